// The tunnel of one node: writes the checked profile, runs OpenVPN with it, and waits until traffic gets through.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, VPNError, type CodaNode, type Logger } from '../../src/index.ts';
import {
  CLOUD_PATHS,
  cloudUrl,
  readPrivateFile,
  vpnLogPath,
  vpnPidPath,
  vpnProfilePath,
  writeFileAtomic,
} from '../../src/kit.ts';
import { checkTunnel, type Finding } from './check.ts';
import { vpnFailure } from './failure.ts';
import { Openvpn, type OpenvpnPaths } from './openvpn.ts';
import { parseProfile } from './profile.ts';
import { renderProfile } from './render.ts';

/** An adopted OpenVPN is replaced if no traffic gets through for this long. */
const ADOPTED_WITHIN_MS = 5_000;
const CHECK_EVERY_MS = 100;
const PROBE_DEADLINE_MS = 2_000;

/** What the cloud, or an earlier start, says about the VPN. */
export interface Terms {
  readonly checkIntervalSec: number;
  readonly interfaceHint: string | null;
  readonly probeTargets: readonly string[];
  readonly webappUrl: string;
  readonly profile?: string;
}

export interface TunnelOptions {
  readonly log: Logger;
  /** Aborted when the node closes. */
  readonly signal: AbortSignal;
  readonly upWithinMs: number;
}

export class Tunnel {
  readonly #node: CodaNode;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #upWithinMs: number;
  readonly #paths: OpenvpnPaths;
  readonly #openvpn: Openvpn;
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
  }

  /** Whether this node runs OpenVPN, and not the operator. */
  get isManaged(): boolean {
    return this.#isManaged;
  }

  get openvpn(): Openvpn {
    return this.#openvpn;
  }

  get hasSavedProfile(): boolean {
    return readPrivateFile(this.#paths.profile) !== undefined;
  }

  /** Checks once; the probes take at most `deadlineMs`. */
  check(terms: Terms, deadlineMs: number): Promise<Finding> {
    const { allowDegradedStartup: allowDegraded } = this.#node.settings;
    const targets =
      terms.probeTargets.length > 0 ? terms.probeTargets : [cloudUrl(terms.webappUrl, CLOUD_PATHS.health)];
    const interfaceName = terms.interfaceHint ?? this.#device;
    return checkTunnel(this.#node, { interfaceName, targets, allowDegraded, deadlineMs }, this.#signal);
  }

  /** Checks the profile again and makes sure that OpenVPN runs with it. Returns whether it had to be started. */
  async ensureRunning(terms: Terms): Promise<boolean> {
    const saved = readPrivateFile(this.#paths.profile);
    const given = terms.profile ?? saved;
    if (given === undefined) {
      throw new VPNError('the cloud requires a VPN, but sent no profile, and none is saved', {
        remedy: 'Get a new token for the QPU in Coda and run: coda start --token - (it asks for the token)',
      });
    }
    const profile = parseProfile(given);
    if (terms.profile !== undefined) for (const warning of profile.warnings) this.#log.warn(warning);
    const { text, device } = renderProfile(profile, this.#deviceName(terms.interfaceHint));
    this.#device = device;
    if (text !== saved) {
      if (terms.profile !== undefined && saved !== undefined)
        this.#log.info('the cloud has changed the VPN profile');
      await writeFileAtomic(this.#paths.profile, text);
    }
    this.#isManaged = true;
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
      if (adopted.state === 'ready') return adopted;
      this.#log.warn('no traffic gets through the adopted OpenVPN; restarting it');
      await this.#openvpn.stop();
      await this.ensureRunning(terms);
    }
    const finding = await this.#settled(terms, this.#upWithinMs);
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
    const giveUpAt = performance.now() + withinMs;
    for (;;) {
      const finding = await this.check(terms, PROBE_DEADLINE_MS);
      this.#throwIfClosing();
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
