// Counts what happens on the node, for the next scrape.
import type { CodaNode, EndedJob, IdleGap } from '../../src/index.ts';
import type { Delivery, SavedOutcome } from '../../src/kit.ts';
import { DELIVERIES, METRICS, OUTCOMES, REASONS } from './table.ts';
import { Distribution, tally } from './tally.ts';

const LOOKS = { name: 'metrics', onlyLooks: true } as const;

export class Counts {
  readonly jobs = { cloud: tally(OUTCOMES), local: tally(OUTCOMES) };
  readonly deliveries = tally(DELIVERIES);
  /** Seconds. */
  readonly idle = tally(REASONS);
  readonly distributions: Readonly<Record<string, Distribution>>;
  readonly #wait = new Distribution(METRICS.coda_job_wait_seconds.bounds);
  readonly #run = new Distribution(METRICS.coda_job_run_seconds.bounds);
  readonly #gap = new Distribution(METRICS.coda_device_idle_gap_seconds.bounds);
  readonly #delivery = new Distribution(METRICS.coda_delivery_seconds.bounds);
  readonly #deliveryAge = new Distribution(METRICS.coda_delivery_age_seconds.bounds);
  shots = 0;

  constructor() {
    this.distributions = {
      coda_job_wait_seconds: this.#wait,
      coda_job_run_seconds: this.#run,
      coda_device_idle_gap_seconds: this.#gap,
      coda_delivery_seconds: this.#delivery,
      coda_delivery_age_seconds: this.#deliveryAge,
    };
  }

  tap({ hooks }: CodaNode): void {
    hooks.onEnd.tap(LOOKS, (ended) => this.#ended(ended));
    hooks.afterGap.tap(LOOKS, (gap) => this.#gapEnded(gap));
    hooks.afterDeliver.tap(LOOKS, (saved, _attempt, delivery, tookMs) =>
      this.#tried(saved, delivery, tookMs),
    );
  }

  #ended({ origin, outcome, sentAt, startedAt, endedAt }: EndedJob): void {
    this.jobs[origin][outcome.status] += 1;
    if (outcome.status === 'completed') this.shots += outcome.shotsCompleted;
    if (startedAt === null) return;
    this.#run.add((endedAt - startedAt) / 1000);
    if (origin === 'cloud') this.#wait.add((startedAt - sentAt) / 1000);
  }

  #gapEnded({ startedAt, endedAt, reason }: IdleGap): void {
    const seconds = (endedAt - startedAt) / 1000;
    this.idle[reason] += seconds;
    this.#gap.add(seconds);
  }

  #tried({ endedAt }: SavedOutcome, { kind }: Delivery, tookMs: number): void {
    this.deliveries[kind] += 1;
    this.#delivery.add(tookMs / 1000);
    if (kind === 'delivered') this.#deliveryAge.add((Date.now() - Date.parse(endedAt)) / 1000);
  }
}
