// Watches the tunnel while the node runs. If the probes get no answer, it makes OpenVPN reconnect, then restarts it, with
// growing pauses. Meanwhile no job is taken, running jobs continue, and results wait in the outbox.
//
//   booting -> ready <-> degraded        traffic gets through, but not to every target
//                 \-> vpn_unavailable    nothing gets through: the node takes no jobs
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, type Logger } from '../../src/index.ts';
import type { Admission, VpnState } from '../../src/kit.ts';
import type { Finding } from './check.ts';
import type { Terms, Tunnel } from './tunnel.ts';

/** The pause between checks while the tunnel is down: short, so that jobs are taken again soon after it is back. */
const PAUSE_WHEN_DOWN_MS = 500;
/** A server may push something else with every reconnect. */
const LOOK_EVERY_MS = 2_000;
/** A tunnel that has not come back by itself after this long is restarted. */
const FIRST_RESTART_MS = 30_000;
const LONGEST_RESTART_MS = 300_000;
/** An OpenVPN that has ended is started again at once, then after this pause, which doubles each time. */
const FIRST_RESPAWN_MS = 1_000;
const LONGEST_RESPAWN_MS = 60_000;

export interface WatchOptions {
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Called when the tunnel works again, or leads elsewhere. */
  readonly changed: () => void;
}

interface Outage {
  checks: number;
  restartAt: number;
  restartMs: number;
}

export class TunnelWatch {
  readonly #tunnel: Tunnel;
  readonly #terms: Terms;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #changed: () => void;
  #admission: Admission | undefined;
  #finding: Finding | undefined;
  #outage: Outage | undefined;
  /** OpenVPN was started again, and not looked at since. */
  #isFresh = false;
  #respawnAt = 0;
  #respawnMs = FIRST_RESPAWN_MS;

  /** `terms` without a profile: OpenVPN is always started with the saved one, after another check of it. */
  constructor(tunnel: Tunnel, terms: Terms, { log, signal, changed }: WatchOptions) {
    this.#tunnel = tunnel;
    this.#terms = terms;
    this.#log = log;
    this.#signal = signal;
    this.#changed = changed;
  }

  get state(): VpnState {
    return this.#finding?.state ?? 'booting';
  }

  get finding(): Finding | undefined {
    return this.#finding;
  }

  /** Takes in what a check has found; the first finding may come from the boot. */
  note(finding: Finding): void {
    const before = this.#finding;
    this.#finding = finding;
    if (finding.state === 'vpn_unavailable') {
      this.#admission?.close('vpn', `no traffic gets through the VPN: ${finding.problem}`);
    } else {
      const isOther = before?.state === 'vpn_unavailable' || before?.address !== finding.address;
      if (before !== undefined && isOther) this.#changed();
      this.#admission?.open('vpn');
    }
    if (finding.state === before?.state) return;
    if (finding.state === 'ready') this.#log.info('the tunnel is up', { interface: finding.interface });
    else this.#log.warn(`the VPN is ${finding.state}: ${finding.problem}`);
  }

  /** Watches until the node closes. From here on this watch may close the admission. */
  async run(admission: Admission): Promise<void> {
    this.#admission = admission;
    if (this.#finding !== undefined) this.note(this.#finding);
    const intervalMs = this.#terms.checkIntervalSec * 1000;
    const deadlineMs = Math.min(5_000, Math.max(750, intervalMs / 2));
    let due = performance.now();
    while (!this.#signal.aborted) {
      const now = performance.now();
      // The time that a check takes is part of the interval; times that pass meanwhile are skipped.
      due = this.#isUnsettled ? now + PAUSE_WHEN_DOWN_MS : Math.max(due + intervalMs, now);
      await this.#waitUntil(due);
      if (this.#signal.aborted) return;
      const withinMs = this.#isUnsettled ? Math.min(1_000, deadlineMs) : deadlineMs;
      this.#isFresh = false;
      const finding = await this.#tunnel.check(this.#terms, withinMs);
      if (this.#signal.aborted) return;
      this.note(finding);
      await this.#repair().catch((thrown: unknown) =>
        this.#log.error(`the tunnel cannot be restarted: ${messageOf(thrown)}`),
      );
    }
  }

  get #isUnsettled(): boolean {
    return this.#isFresh || this.state === 'vpn_unavailable';
  }

  async #repair(): Promise<void> {
    if (!this.#tunnel.isManaged || this.#tunnel.barred !== undefined) return;
    if (!this.#tunnel.openvpn.isRunning) return this.#respawn();
    if (this.state !== 'vpn_unavailable') {
      this.#outage = undefined;
      this.#respawnMs = FIRST_RESPAWN_MS;
      return;
    }
    const now = performance.now();
    const outage = (this.#outage ??= {
      checks: 0,
      restartAt: now + FIRST_RESTART_MS,
      restartMs: FIRST_RESTART_MS,
    });
    outage.checks += 1;
    // One failed check may be chance; two are not.
    if (outage.checks === 2) {
      this.#log.info('making OpenVPN reconnect');
      this.#tunnel.openvpn.reconnect();
    } else if (now >= outage.restartAt) {
      outage.restartMs = Math.min(LONGEST_RESTART_MS, outage.restartMs * 2);
      outage.restartAt = now + outage.restartMs;
      this.#log.warn('the tunnel is still down; restarting OpenVPN');
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
    this.#isFresh = true;
    await this.#tunnel.ensureRunning(this.#terms);
  }

  /** Meanwhile looks at the routes; ends early if OpenVPN was started again because of them. */
  async #waitUntil(due: number): Promise<void> {
    for (let left = due - performance.now(); ; left = due - performance.now()) {
      await this.#pause(Math.min(LOOK_EVERY_MS, Math.max(0, left)));
      if (this.#signal.aborted) return;
      try {
        if (await this.#tunnel.look()) this.#isFresh = true;
      } catch (thrown) {
        this.#log.error(`the routes cannot be changed: ${messageOf(thrown)}`);
      }
      if (this.#isFresh || left <= LOOK_EVERY_MS) return;
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#signal }).catch(() => {});
  }
}
