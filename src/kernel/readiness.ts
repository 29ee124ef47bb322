// The state of the node at one moment: what `/ready`, the heartbeat and `status` report (PROTOCOL §8).

export type VpnState = 'booting' | 'ready' | 'degraded' | 'vpn_unavailable';

/** Filled in by the kernel and the plugins. The node is ready if none of them gave a reason against it. */
export class ReadinessReport {
  vpnState: VpnState = 'booting';
  redisHealthy = false;
  currentJob: string | null = null;
  lastJobAt: string | null = null;
  readonly #reasons: string[] = [];
  readonly #extra: Record<string, unknown> = {};

  /** `reason` is one sentence for the operator. */
  notReady(reason: string): void {
    this.#reasons.push(reason);
  }

  /** A further field of the `/ready` body. */
  add(field: string, value: unknown): void {
    this.#extra[field] = value;
  }

  get ready(): boolean {
    return this.#reasons.length === 0;
  }

  get reasons(): readonly string[] {
    return this.#reasons;
  }

  /** The body of `/ready`: always the contract's four fields, then the others. */
  toJSON(): Record<string, unknown> {
    return {
      ready: this.ready,
      vpn_state: this.vpnState,
      redis_healthy: this.redisHealthy,
      current_job: this.currentJob,
      reasons: this.#reasons,
      ...this.#extra,
    };
  }
}
