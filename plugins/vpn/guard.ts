// Watches the tunnel while the node runs. A tunnel that carries nothing is noticed by the probes, nudged, then restarted
// with backoff; meanwhile no job is taken, running ones go on, and results wait in the outbox.
//
//   booting -> ready <-> degraded        traffic gets through, but not to every target
//                 \-> vpn_unavailable    nothing gets through: the admission is closed
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, type Admission, type Logger, type VpnState } from '../../src/index.ts';
import type { Finding } from './check.ts';
import type { Terms, Tunnel } from './tunnel.ts';

/** While the tunnel is down it is looked at this often, so that jobs go on soon after it is back. */
const LOOK_WHEN_DOWN_MS = 500;
const SHORTEST_PAUSE_MS = 250;
/** A tunnel that has not come back by itself after this long is restarted. */
const FIRST_RESTART_MS = 30_000;
const LONGEST_RESTART_MS = 300_000;
/** A process that has ended is started again at once, then after this long, doubling. */
const FIRST_RESPAWN_MS = 1_000;
const LONGEST_RESPAWN_MS = 60_000;

interface Outage {
  looks: number;
  restartAt: number;
  restartMs: number;
}

export class Guard {
  readonly #tunnel: Tunnel;
  readonly #terms: Terms;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  #admission: Admission | undefined;
  #finding: Finding | undefined;
  #outage: Outage | undefined;
  #respawnAt = 0;
  #respawnMs = FIRST_RESPAWN_MS;

  /** `terms` without a profile: what is started is always the saved one, checked anew. */
  constructor(tunnel: Tunnel, terms: Terms, log: Logger, signal: AbortSignal) {
    this.#tunnel = tunnel;
    this.#terms = terms;
    this.#log = log;
    this.#signal = signal;
  }

  get state(): VpnState {
    return this.#finding?.state ?? 'booting';
  }

  get finding(): Finding | undefined {
    return this.#finding;
  }

  /** Takes what a look has found; the first one may come from the boot. */
  note(finding: Finding): void {
    const before = this.#finding?.state;
    this.#finding = finding;
    if (finding.state === 'vpn_unavailable') {
      this.#admission?.close('vpn', `the VPN carries no traffic: ${finding.problem}`);
    } else {
      this.#admission?.open('vpn');
    }
    if (finding.state === before) return;
    if (finding.state === 'ready') this.#log.info('the tunnel is up', { interface: finding.interface });
    else this.#log.warn(`the VPN is ${finding.state}: ${finding.problem}`);
  }

  /** Watches until the node closes. From here on the admission is the guard's to close. */
  async run(admission: Admission): Promise<void> {
    this.#admission = admission;
    if (this.#finding !== undefined) this.note(this.#finding);
    const intervalMs = this.#terms.checkIntervalSec * 1000;
    // A look and the pause before it fit into one interval, so a dead tunnel is known within one.
    const deadlineMs = Math.min(5_000, Math.max(750, intervalMs / 2));
    const pauseMs = Math.max(SHORTEST_PAUSE_MS, intervalMs - deadlineMs);
    while (!this.#signal.aborted) {
      await this.#pause(this.state === 'vpn_unavailable' ? LOOK_WHEN_DOWN_MS : pauseMs);
      if (this.#signal.aborted) return;
      const isDown = this.state === 'vpn_unavailable';
      const finding = await this.#tunnel.check(
        this.#terms,
        isDown ? Math.min(1_000, deadlineMs) : deadlineMs,
      );
      if (this.#signal.aborted) return;
      this.note(finding);
      await this.#mend().catch((thrown: unknown) =>
        this.#log.error(`the tunnel cannot be restarted: ${messageOf(thrown)}`),
      );
    }
  }

  async #mend(): Promise<void> {
    if (!this.#tunnel.isManaged) return;
    this.#tunnel.openvpn.trimLog();
    if (!(await this.#tunnel.openvpn.isRunning())) return this.#respawn();
    if (this.state !== 'vpn_unavailable') {
      this.#outage = undefined;
      this.#respawnMs = FIRST_RESPAWN_MS;
      return;
    }
    const now = performance.now();
    const outage = (this.#outage ??= {
      looks: 0,
      restartAt: now + FIRST_RESTART_MS,
      restartMs: FIRST_RESTART_MS,
    });
    outage.looks += 1;
    // The first look that failed may have been bad luck; the second one was not.
    if (outage.looks === 2) {
      this.#log.info('nudging OpenVPN');
      await this.#tunnel.openvpn.nudge();
    } else if (now >= outage.restartAt) {
      outage.restartMs = Math.min(LONGEST_RESTART_MS, outage.restartMs * 2);
      outage.restartAt = now + outage.restartMs;
      this.#log.warn('the tunnel does not come back; restarting OpenVPN');
      await this.#tunnel.openvpn.stop();
      await this.#tunnel.ensureRunning(this.#terms);
    }
  }

  async #respawn(): Promise<void> {
    const now = performance.now();
    if (now < this.#respawnAt) return;
    this.#respawnAt = now + this.#respawnMs;
    this.#respawnMs = Math.min(LONGEST_RESPAWN_MS, this.#respawnMs * 2);
    this.#log.warn('OpenVPN has ended; starting it again');
    await this.#tunnel.ensureRunning(this.#terms);
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#signal }).catch(() => {});
  }
}
