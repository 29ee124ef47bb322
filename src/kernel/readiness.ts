// The state of the node at one moment: what `/ready`, the heartbeat and `status` report (PROTOCOL §8).
import { messageOf } from '../errors.ts';

export type VpnState = 'booting' | 'ready' | 'degraded' | 'vpn_unavailable';

export interface ReportedTrouble {
  readonly text: string;
  /** What to do about it; null if nobody has to do anything. */
  readonly remedy: string | null;
  /** Whether it keeps the node from being ready. */
  readonly blocks: boolean;
}

/** Filled in by the kernel and the plugins. The node is ready if none of them gave a reason against it. */
export class ReadinessReport {
  vpnState: VpnState = 'booting';
  redisHealthy = false;
  currentJob: string | null = null;
  lastJobAt: string | null = null;
  readonly #troubles: ReportedTrouble[] = [];
  readonly #extra: Record<string, unknown> = {};

  /** `reason` is one sentence for the operator; `remedy` says what to do about it. */
  notReady(reason: string, remedy?: string): void {
    this.#add(reason, remedy, true);
  }

  /** Something is wrong that does not keep the node from taking jobs. */
  trouble(text: string, remedy?: string): void {
    this.#add(text, remedy, false);
  }

  /** A further field of the `/ready` body. Throws if JSON cannot have the value: then nobody would get an answer. */
  add(field: string, value: unknown): void {
    try {
      JSON.stringify(value);
    } catch (cause) {
      // The first line says why; those after it draw a circle.
      const [why] = messageOf(cause).split('\n');
      throw new TypeError(`the field ${field} of /ready cannot be JSON: ${why}`, { cause });
    }
    this.#extra[field] = value;
  }

  get ready(): boolean {
    return !this.#troubles.some(({ blocks }) => blocks);
  }

  get reasons(): readonly string[] {
    return this.#troubles.filter(({ blocks }) => blocks).map(({ text }) => text);
  }

  /** The reasons, and what else is wrong. */
  get troubles(): readonly ReportedTrouble[] {
    return this.#troubles;
  }

  /** The contract's four fields of `/ready`: all that other machines see. */
  summary(): Record<string, unknown> {
    return {
      ready: this.ready,
      vpn_state: this.vpnState,
      redis_healthy: this.redisHealthy,
      current_job: this.currentJob,
    };
  }

  /** The whole body of `/ready`: always the four fields, then the others. */
  toJSON(): Record<string, unknown> {
    return {
      ...this.summary(),
      reasons: this.reasons,
      troubles: this.#troubles,
      ...this.#extra,
    };
  }

  /** Two connections may meet the same trouble: it is reported once, and blocks if it blocks for one of them. */
  #add(text: string, remedy: string | undefined, blocks: boolean): void {
    const known = this.#troubles.findIndex((trouble) => trouble.text === text);
    const trouble = { text, remedy: remedy ?? this.#troubles[known]?.remedy ?? null, blocks };
    if (known === -1) this.#troubles.push(trouble);
    else this.#troubles[known] = { ...trouble, blocks: blocks || this.#troubles[known]?.blocks === true };
  }
}
