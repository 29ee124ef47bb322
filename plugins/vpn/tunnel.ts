// The tunnel of one node: writes the checked profile, runs OpenVPN with it, and waits until traffic gets through.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, VPNError, type CodaNode, type Logger } from '../../src/index.ts';
import {
  CLOUD_PATHS,
  cloudUrl,
  readPrivateFile,
  readRedisUrl,
  vpnLogPath,
  vpnPidPath,
  vpnProfilePath,
  writeFileAtomic,
} from '../../src/kit.ts';
import { checkTunnel, type Finding } from './check.ts';
import { vpnFailure } from './failure.ts';
import { Openvpn, type OpenvpnPaths } from './openvpn.ts';
import { parseProfile } from './profile.ts';
import { renderProfile, splitPushed, withPushed } from './render.ts';
import { Routes } from './routes/tunnel-routes.ts';
import { lookAround } from './routes/surroundings.ts';

/** An adopted OpenVPN is replaced if no traffic gets through for this long. */
const ADOPTED_WITHIN_MS = 5_000;
const CHECK_EVERY_MS = 100;
const PROBE_DEADLINE_MS = 2_000;
/** A server that pushes other routes again and again must not restart the tunnel each time. */
const MOST_CHANGES = 2;
const CHANGES_PER_MS = 600_000;

/** What the cloud, or an earlier start, says about the VPN. */
export interface Terms {
  readonly checkIntervalSec: number;
  readonly interfaceHint: string | null;
  readonly probeTargets: readonly string[];
  readonly webappUrl: string;
  /** Empty if it is not known yet. */
  readonly redisUrl: string;
  readonly profile?: string;
}

export interface TunnelOptions {
  readonly log: Logger;
  /** Aborted when the node closes. */
  readonly signal: AbortSignal;
  readonly upWithinMs: number;
}

const NO_INTERFACE = { interface: undefined, address: undefined };
const BARRED =
  'Have the VPN server changed so that it leads only the hosts of the cloud into the tunnel; then start the node again.';

export class Tunnel {
  readonly #node: CodaNode;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #upWithinMs: number;
  readonly #paths: OpenvpnPaths;
  readonly #openvpn: Openvpn;
  readonly #routes: Routes;
  /** The profile that OpenVPN runs with, but for the server's routes. */
  #text = '';
  /** When the server's routes were changed; monotonic milliseconds. */
  #changes: readonly number[] = [];
  #barred: string | undefined;
  #device: string | undefined;
  #isManaged = false;

  constructor(node: CodaNode, { log, signal, upWithinMs }: TunnelOptions) {
    const { stateDir, nodeVpnProfilePath } = node.settings;
    this.#node = node;
    this.#log = log;
    this.#signal = signal;
    this.#upWithinMs = upWithinMs;
    this.#paths = {
      profile: nodeVpnProfilePath || vpnProfilePath(stateDir),
      pid: vpnPidPath(stateDir),
      log: vpnLogPath(stateDir),
    };
    this.#openvpn = new Openvpn(this.#paths, node.env, log);
    this.#routes = new Routes(log, this.#paths.log);
  }

  /** Whether this node runs OpenVPN, and not the operator. */
  get isManaged(): boolean {
    return this.#isManaged;
  }

  /** Why OpenVPN was ended for good: its tunnel took traffic that is not for it. */
  get barred(): string | undefined {
    return this.#barred;
  }

  get openvpn(): Openvpn {
    return this.#openvpn;
  }

  get hasSavedProfile(): boolean {
    return readPrivateFile(this.#paths.profile) !== undefined;
  }

  /** Checks once; the probes take at most `deadlineMs`. */
  check(terms: Terms, deadlineMs: number): Promise<Finding> {
    if (this.#barred !== undefined)
      return Promise.resolve({ state: 'vpn_unavailable', problem: this.#barred, ...NO_INTERFACE });
    const { allowDegradedStartup: allowDegraded } = this.#node.settings;
    const targets =
      terms.probeTargets.length > 0 ? terms.probeTargets : [cloudUrl(terms.webappUrl, CLOUD_PATHS.health)];
    const interfaceName = terms.interfaceHint ?? this.#device;
    return checkTunnel(
      this.#node,
      { interfaceName, targets, webappUrl: terms.webappUrl, allowDegraded, deadlineMs },
      this.#signal,
    );
  }

  /** Checks the profile again and makes sure that OpenVPN runs with it. Returns whether it had to be started. */
  async ensureRunning(terms: Terms): Promise<boolean> {
    const saved = readPrivateFile(this.#paths.profile);
    const before = saved === undefined ? undefined : splitPushed(saved);
    const given = terms.profile ?? before?.text;
    if (given === undefined) {
      throw new VPNError('the cloud requires a VPN, but sent no profile, and none is saved', {
        remedy: 'Get a new token for the QPU in Coda and run: coda start --token - (it asks for the token)',
      });
    }
    const profile = parseProfile(given);
    if (terms.profile !== undefined) for (const warning of profile.warnings) this.#log.warn(warning);
    const wanted = this.#deviceName(terms.interfaceHint);
    const { device } = renderProfile(profile, wanted);
    this.#device = device;
    const around = await lookAround({
      device,
      servers: profile.statements.flatMap(({ name, words }) => (name === 'remote' ? words.slice(0, 1) : [])),
      cloud: [terms.webappUrl, terms.redisUrl, this.#node.settings.webappUrl].flatMap(hostsOf),
    });
    this.#text = renderProfile(this.#routes.fitting(profile, around), wanted).text;
    // Those of another profile may be another server's.
    const pushed = this.#routes.start(before?.text === this.#text ? before.routes : []);
    const text = withPushed(this.#text, pushed);
    if (text !== saved) {
      if (terms.profile !== undefined && saved !== undefined)
        this.#log.info('the cloud has changed the VPN profile');
      await writeFileAtomic(this.#paths.profile, text);
    }
    this.#isManaged = true;
    return this.#openvpn.ensure(text);
  }

  /**
   * Looks at what the server has pushed and at what the kernel sends into the tunnel. Returns true if OpenVPN was started
   * again with other routes. If the tunnel takes traffic that is not for it, OpenVPN is ended for good.
   */
  async look(): Promise<boolean> {
    if (!this.#isManaged || this.#barred !== undefined) return false;
    const fault = this.#device === undefined ? undefined : this.#routes.faultOf(this.#device);
    if (fault !== undefined) {
      this.#barred = fault;
      await this.#openvpn.stop();
      this.#log.error(`OpenVPN is ended, since ${fault} → ${BARRED}`);
      return false;
    }
    const routes = this.#routes.learn();
    if (routes === undefined) return false;
    const now = performance.now();
    this.#changes = this.#changes.filter((at) => now - at < CHANGES_PER_MS);
    if (this.#changes.length >= MOST_CHANGES) {
      this.#log.warn('the VPN server pushes other routes again and again; the tunnel stays as it is');
      return false;
    }
    this.#changes = [...this.#changes, now];
    this.#log.info(
      `the VPN server pushes ${routes.length} routes that are allowed; restarting OpenVPN with them`,
    );
    const text = withPushed(this.#text, this.#routes.start(routes));
    await writeFileAtomic(this.#paths.profile, text);
    return this.#openvpn.ensure(text);
  }

  /**
   * Brings the tunnel up; resolves with the first finding that is `ready`. Throws a VPNError if that fails or takes too
   * long; the profile that was saved before then replaces the one that did not work.
   */
  async bringUp(terms: Terms): Promise<Finding> {
    const before = readPrivateFile(this.#paths.profile);
    try {
      return await this.#bringUp(terms);
    } catch (thrown) {
      await this.#restore(before);
      throw thrown;
    }
  }

  async #bringUp(terms: Terms): Promise<Finding> {
    if (!(await this.ensureRunning(terms))) {
      const adopted = await this.#settled(terms, ADOPTED_WITHIN_MS);
      if (adopted.state === 'ready' || this.#barred !== undefined) return this.#unbarred(adopted);
      this.#log.warn('no traffic gets through the adopted OpenVPN; restarting it');
      await this.#openvpn.stop();
      await this.ensureRunning(terms);
    }
    const finding = this.#unbarred(await this.#settled(terms, this.#upWithinMs));
    if (finding.state === 'ready') return finding;
    const what = this.#openvpn.isRunning
      ? `the tunnel did not come up within ${this.#upWithinMs / 1000} s: ${finding.problem}`
      : 'OpenVPN ended before the tunnel was up';
    throw vpnFailure(what, this.#paths.log);
  }

  /** Waits for the tunnel that the operator runs; a short time, since it should be up already. */
  async waitForOperatorTunnel(terms: Terms): Promise<Finding> {
    const giveUpAt = performance.now() + ADOPTED_WITHIN_MS;
    for (;;) {
      const finding = await this.check(terms, PROBE_DEADLINE_MS);
      if (finding.state === 'ready') return finding;
      this.#throwIfClosing();
      if (performance.now() > giveUpAt) {
        throw new VPNError(`the tunnel is not up: ${finding.problem}`, {
          remedy:
            'CODA_NODE_AUTO_VPN is false, so start the tunnel yourself; CODA_VPN_INTERFACE_HINT must be its exact name.',
        });
      }
      await this.#pause();
    }
  }

  async stop(): Promise<void> {
    if (!this.#isManaged) return;
    this.#isManaged = false;
    await this.#openvpn.stop();
    this.#log.info('OpenVPN stopped');
  }

  /** Checks until a finding is `ready`, the time is up or OpenVPN has ended; returns the last finding. */
  async #settled(terms: Terms, withinMs: number): Promise<Finding> {
    let giveUpAt = performance.now() + withinMs;
    for (;;) {
      const finding = await this.check(terms, PROBE_DEADLINE_MS);
      this.#throwIfClosing();
      if (await this.look()) {
        giveUpAt = performance.now() + withinMs;
        continue;
      }
      if (this.#barred !== undefined) return finding;
      if (finding.state === 'ready' || performance.now() > giveUpAt) return finding;
      this.#log.debug(`the tunnel is not up yet: ${finding.problem}`);
      if (!this.#openvpn.isRunning) return finding;
      await this.#pause();
    }
  }

  /** The interface's name: the cloud's hint, else one of this node's own, so that it is never confused with another
   *  tunnel. Only Linux lets us choose. */
  #deviceName(hint: string | null): string | undefined {
    if (process.platform !== 'linux') return undefined;
    if (hint !== null && /^[A-Za-z][\w-]{0,14}$/.test(hint)) return hint;
    return `coda${createHash('sha256').update(this.#paths.profile).digest('hex').slice(0, 6)}`;
  }

  #unbarred(finding: Finding): Finding {
    if (this.#barred === undefined) return finding;
    throw new VPNError(`OpenVPN is ended, since ${this.#barred}`, { remedy: BARRED });
  }

  async #restore(before: string | undefined): Promise<void> {
    if (before === undefined || before === readPrivateFile(this.#paths.profile)) return;
    await writeFileAtomic(this.#paths.profile, before).catch((thrown: unknown) =>
      this.#log.error(`the previous VPN profile cannot be restored: ${messageOf(thrown)}`),
    );
  }

  async #pause(): Promise<void> {
    await sleep(CHECK_EVERY_MS, undefined, { signal: this.#signal }).catch(() => {});
    this.#throwIfClosing();
  }

  #throwIfClosing(): void {
    if (this.#signal.aborted) throw new VPNError('the node was stopped while the tunnel came up');
  }
}

function hostsOf(url: string): string[] {
  const redis = readRedisUrl(url);
  if (typeof redis !== 'string') return redis.hosts.map(({ host }) => host);
  return URL.canParse(url) ? [new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')] : [];
}
