// The setting of every scenario: a local cloud, a run ledger, nodes as processes, and the checks of the promises.
import { mkdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bell, startLocalCloud, waitUntil, type LocalCloud } from '../../src/testing/index.ts';
import { jobIdOf, Ledger } from './ledger.ts';
import { NodeProcess } from './node-process.ts';
import { randomFrom, type Random } from './random.ts';

const CIRCUIT = JSON.stringify(bell('cz').ir);
const SHOTS = 1_000_000;
const SHOWN_BREACHES = 5;

export class World {
  readonly cloud: LocalCloud;
  readonly folder: string;
  readonly ledger: Ledger;
  readonly random: Random;
  /** The figures of the scenario, as text. */
  readonly figures: Record<string, string | number> = {};
  /** Promises that were not kept. */
  readonly broken: string[] = [];
  /** Ids of all jobs that were submitted. */
  readonly jobs: string[] = [];
  readonly #nodes: NodeProcess[] = [];
  readonly #releases: (() => unknown)[] = [];
  #callbackUrl: string | undefined;
  /** Cleans up if the process ends in the middle, for example by Ctrl-C. */
  readonly #abandon = (): void => {
    for (const node of this.#nodes) void node.kill();
    for (const release of this.#releases.toReversed()) void release();
    rmSync(this.folder, { recursive: true, force: true });
  };

  private constructor(cloud: LocalCloud, folder: string, seed: number) {
    this.cloud = cloud;
    this.folder = folder;
    this.ledger = new Ledger(join(folder, 'ledger'));
    this.random = randomFrom(seed);
    process.on('exit', this.#abandon);
  }

  static async open(seed: number, redisUrl?: string): Promise<World> {
    const cloud = await startLocalCloud(redisUrl === undefined ? {} : { redisUrl });
    return new World(cloud, await mkdtemp(join(tmpdir(), 'coda-chaos-')), seed);
  }

  /** A node that has not been started; `env` adds to its variables. */
  node(name: string, env: Readonly<Record<string, string>> = {}): NodeProcess {
    const stateDir = join(this.folder, name);
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const node = new NodeProcess({
      name,
      folder: this.folder,
      stateDir,
      env: { CODA_WEBAPP_URL: this.cloud.url, CHAOS_LEDGER: this.ledger.path, ...env },
    });
    this.#nodes.push(node);
    return node;
  }

  /** Starts a node with a new token, and waits until it serves. */
  async startNode(name: string, env: Readonly<Record<string, string>> = {}): Promise<NodeProcess> {
    const node = this.node(name, env);
    node.start(this.cloud.issueToken());
    await node.serving();
    return node;
  }

  /** Results of jobs that are submitted from now on go to another address. */
  deliverVia(origin: string): void {
    this.#callbackUrl = `${origin}/api/internal/qpu/webhook`;
  }

  /** Submits a job that runs for `runMs`. */
  async submit(runMs: number): Promise<string> {
    const jobId = jobIdOf(`job-${this.jobs.length + 1}`, runMs);
    this.jobs.push(jobId);
    await this.resubmit(jobId);
    return jobId;
  }

  /** Adds a job to the stream, a second time if it was there before. */
  async resubmit(jobId: string): Promise<void> {
    const raw = this.#callbackUrl === undefined ? {} : { callback_url: this.#callbackUrl };
    // A shard of a cluster may be down; a job that is added twice is still one job.
    await waitUntil(
      `adding ${jobId}`,
      () =>
        this.cloud.submit({ jobId, ir: CIRCUIT, shots: SHOTS, raw }).then(
          () => true,
          () => false,
        ),
      { timeoutMs: 60_000 },
    );
  }

  /** Submits `count` jobs that run for 1 to 20 ms. */
  async submitMany(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.submit(this.random.between(1, 20));
  }

  /** Jobs of which the cloud has no outcome. */
  get unfinished(): string[] {
    return this.jobs.filter((jobId) => !this.cloud.results.has(jobId));
  }

  /** Waits until the cloud has an outcome of every job, and nothing is pending. Reports if that does not happen. */
  async allDelivered(timeoutMs: number): Promise<void> {
    try {
      await waitUntil('every outcome', () => this.unfinished.length === 0, { timeoutMs });
      await waitUntil(
        'every acknowledgement',
        async () => (await this.cloud.pending().catch(() => 1)) === 0,
        { timeoutMs },
      );
    } catch {
      const lost = this.unfinished;
      this.#say(lost, 'no outcome');
      const pending = await this.cloud.pending();
      if (pending > 0) this.broken.push(`${pending} messages are still pending`);
    }
  }

  /** Notes a broken promise. */
  promise(kept: boolean, text: string): void {
    if (!kept) this.broken.push(text);
  }

  /** Every job has ended well, and no job ran twice. */
  checkRunOnce(): void {
    this.ledger.read();
    this.#say(
      this.jobs.filter((jobId) => this.ledger.runsOf(jobId).length > 1),
      'more than one run',
    );
    this.checkCompleted();
  }

  checkCompleted(): void {
    this.#say(
      this.jobs.filter((jobId) => (this.cloud.results.get(jobId)?.status ?? 'completed') !== 'completed'),
      'a failed outcome',
    );
  }

  /** The cloud's own complaints, such as two different outcomes for one job. */
  checkCloud(): void {
    for (const violation of this.cloud.violations.slice(0, SHOWN_BREACHES))
      this.broken.push(`the cloud: ${violation}`);
  }

  /** Something to undo at the end. */
  onClose(release: () => unknown): void {
    this.#releases.push(release);
  }

  /** The last output of the nodes, to explain a failure. */
  lastWords(): string {
    return this.#nodes.map((node) => `${node.life}:\n${node.output.slice(-2_000)}`).join('\n');
  }

  async close(): Promise<void> {
    process.off('exit', this.#abandon);
    for (const node of this.#nodes) await node.kill();
    for (const release of this.#releases.toReversed()) await release();
    await this.cloud.close();
    this.ledger.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  #say(jobIds: readonly string[], what: string): void {
    if (jobIds.length === 0) return;
    const shown = jobIds.slice(0, SHOWN_BREACHES).map((jobId) => `${jobId} (${this.#story(jobId)})`);
    const more = jobIds.length > SHOWN_BREACHES ? ', …' : '';
    this.broken.push(`${jobIds.length} jobs with ${what}: ${shown.join(', ')}${more}`);
  }

  #story(jobId: string): string {
    const runs = this.ledger.runsOf(jobId).map(({ life, endedAt, aborted }) => {
      const end = aborted === true ? 'aborted' : endedAt === undefined ? 'cut off' : 'ended';
      return `${life} ${end}`;
    });
    return runs.length === 0 ? 'never ran' : `ran in ${runs.join(', ')}`;
  }
}
