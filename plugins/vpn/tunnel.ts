// The tunnel of one node: its checked profile on disk, its OpenVPN, and bringing both up until traffic gets through.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CLOUD_PATHS,
  cloudUrl,
  messageOf,
  readPrivateFile,
  VPNError,
  writeFileAtomic,
  type CodaNode,
  type Logger,
} from '../../src/index.ts';
import { checkTunnel, type Finding } from './check.ts';
import { vpnFailure } from './failure.ts';
import { Openvpn, type OpenvpnPaths } from './openvpn.ts';
import { parseProfile, renderProfile } from './profile.ts';

/** An adopted OpenVPN that carries nothing for this long is replaced. */
const ADOPTED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 100;
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
  /** Fires when the node closes. */
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
      profile: nodeVpnProfilePath || join(stateDir, 'coda-node.ovpn'),
      pid: join(stateDir, 'coda-node-openvpn.pid'),
      log: join(stateDir, 'coda-node-openvpn.log'),
    };
    this.#openvpn = new Openvpn(this.#paths, node.env, log);
  }

  /** Whether this node runs the OpenVPN, and not the operator. */
  get isManaged(): boolean {
    return this.#isManaged;
  }

  get openvpn(): Openvpn {
    return this.#openvpn;
  }

  get hasSavedProfile(): boolean {
    return readPrivateFile(this.#paths.profile) !== undefined;
  }

  /** One look. `deadlineMs` bounds the probes. */
  check(terms: Terms, deadlineMs: number): Promise<Finding> {
    const { allowDegradedStartup: allowDegraded } = this.#node.settings;
    const targets =
      terms.probeTargets.length > 0 ? terms.probeTargets : [cloudUrl(terms.webappUrl, CLOUD_PATHS.health)];
    const interfaceName = terms.interfaceHint ?? this.#device;
    return checkTunnel(this.#node, { interfaceName, targets, allowDegraded, deadlineMs }, this.#signal);
  }

  /** Makes sure that OpenVPN runs with the profile, checked anew. Says whether it had to be started. */
  async ensureRunning(terms: Terms): Promise<boolean> {
    const saved = readPrivateFile(this.#paths.profile);
    const given = terms.profile ?? saved;
    if (given === undefined) {
      throw new VPNError('the cloud requires a VPN, but sent no profile, and none is saved', {
        remedy: 'Get a new token for the QPU in Coda and run: coda start --token <token>',
      });
    }
    const { text, device } = renderProfile(parseProfile(given), this.#deviceName(terms.interfaceHint));
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
   * Brings the tunnel up; resolves with the first finding that is `ready`. Throws a VPNError if that takes too long or
   * cannot happen; a profile that did not work is then replaced by the one that was saved before.
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
      this.#log.warn('the OpenVPN that was taken over carries no traffic; starting it anew');
      await this.#openvpn.stop();
      await this.ensureRunning(terms);
    }
    const finding = await this.#settled(terms, this.#upWithinMs);
    if (finding.state === 'ready') return finding;
    const what = (await this.#openvpn.isRunning())
      ? `the tunnel did not come up within ${this.#upWithinMs / 1000} s: ${finding.problem}`
      : 'OpenVPN has ended instead of bringing the tunnel up';
    throw vpnFailure(what, this.#paths.log);
  }

  /** Waits for a tunnel that the operator brings up, for as long as ours may take. */
  async awaitForeign(terms: Terms): Promise<Finding> {
    const giveUpAt = performance.now() + ADOPTED_WITHIN_MS;
    for (;;) {
      const finding = await this.check(terms, PROBE_DEADLINE_MS);
      if (finding.state === 'ready') return finding;
      this.#throwIfClosing();
      if (performance.now() > giveUpAt) {
        throw new VPNError(`the tunnel is not up: ${finding.problem}`, {
          remedy:
            'CODA_NODE_AUTO_VPN is false, so bring the tunnel up yourself; CODA_VPN_INTERFACE_HINT must be its exact name.',
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

  /** The first finding that is `ready`; or the last one, when the time is up or OpenVPN has ended. */
  async #settled(terms: Terms, withinMs: number): Promise<Finding> {
    const giveUpAt = performance.now() + withinMs;
    for (;;) {
      const finding = await this.check(terms, PROBE_DEADLINE_MS);
      this.#throwIfClosing();
      if (finding.state === 'ready' || performance.now() > giveUpAt) return finding;
      this.#log.debug(`the tunnel is not up yet: ${finding.problem}`);
      if (!(await this.#openvpn.isRunning())) return finding;
      await this.#pause();
    }
  }

  /** Our own name, so that the tunnel is never mistaken; the cloud's hint where it gives one. macOS numbers its own. */
  #deviceName(hint: string | null): string | undefined {
    if (process.platform !== 'linux') return undefined;
    if (hint !== null && /^[A-Za-z][\w-]{0,14}$/.test(hint)) return hint;
    return `coda${createHash('sha256').update(this.#paths.profile).digest('hex').slice(0, 6)}`;
  }

  async #restore(before: string | undefined): Promise<void> {
    if (before === undefined || before === readPrivateFile(this.#paths.profile)) return;
    await writeFileAtomic(this.#paths.profile, before).catch((thrown: unknown) =>
      this.#log.error(`the earlier VPN profile cannot be restored: ${messageOf(thrown)}`),
    );
  }

  async #pause(): Promise<void> {
    await sleep(LOOK_EVERY_MS, undefined, { signal: this.#signal }).catch(() => {});
    this.#throwIfClosing();
  }

  #throwIfClosing(): void {
    if (this.#signal.aborted) throw new VPNError('the node was stopped while the tunnel came up');
  }
}
