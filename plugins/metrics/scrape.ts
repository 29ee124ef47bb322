// What a scrape answers. Loaded at the first one, with the library that writes the format.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type Metric } from 'prom-client';
import type { Counts } from './counts.ts';
import type { Sample } from './look.ts';
import { METRICS, type MetricSpec } from './table.ts';
import type { Distribution } from './tally.ts';

export interface Answer {
  /** Content type. */
  readonly type: string;
  readonly text: string;
}

export class Scraper {
  readonly #registry = new Registry();
  readonly #sample: () => Sample;
  /** The one that is being answered. */
  #now: Sample | undefined;

  constructor(counts: Counts, sample: () => Sample) {
    this.#sample = sample;
    const specs: Readonly<Record<string, MetricSpec>> = METRICS;
    for (const [name, spec] of Object.entries(specs))
      this.#registry.registerMetric(this.#metric(name, spec, counts));
    collectDefaultMetrics({ register: this.#registry });
  }

  async answer(): Promise<Answer> {
    // All from one moment.
    this.#now = this.#sample();
    const text = await this.#registry.metrics();
    return { type: this.#registry.contentType, text };
  }

  #metric(name: string, spec: MetricSpec, counts: Counts): Metric {
    const { help } = spec;
    const registers: Registry[] = [];
    if (spec.type === 'histogram') {
      const found = counts.distributions[name];
      if (found === undefined) throw new Error(`nothing counts ${name}`);
      return new Filled({ name, help, registers, buckets: [...spec.bounds] }, found);
    }
    const labelNames = Object.keys(spec.labels ?? {});
    const values = (): Sample[string] => this.#now?.[name] ?? [];
    if (spec.type === 'counter') {
      return new Counter({
        ...{ name, help, registers, labelNames },
        collect() {
          this.reset();
          for (const { labels, value } of values()) this.inc(labels, value);
        },
      });
    }
    return new Gauge({
      ...{ name, help, registers, labelNames },
      collect() {
        this.reset();
        // A gauge without labels is 0 unless it is set: what is not known is left out.
        if (labelNames.length === 0) this.remove();
        for (const { labels, value } of values()) this.set(labels, value);
      },
    });
  }
}

/** A histogram whose observations are counted elsewhere. */
class Filled extends Histogram {
  readonly #about: { readonly name: string; readonly help: string };
  readonly #from: Distribution;

  constructor(configuration: ConstructorParameters<typeof Histogram>[0], from: Distribution) {
    super(configuration);
    const { name, help } = configuration;
    this.#about = { name, help };
    this.#from = from;
  }

  /** What the registry asks for, in place of the library's own. */
  getForPromString(): Promise<unknown> {
    const { bounds, counts, sum, count } = this.#from;
    const { name } = this.#about;
    let below = 0;
    const buckets = counts.map((each, i) => {
      below += each;
      return { labels: { le: bounds[i] ?? '+Inf' }, value: below, metricName: `${name}_bucket` };
    });
    const values = [
      ...buckets,
      { labels: {}, value: sum, metricName: `${name}_sum` },
      { labels: {}, value: count, metricName: `${name}_count` },
    ];
    return Promise.resolve({ ...this.#about, type: 'histogram', values });
  }
}
