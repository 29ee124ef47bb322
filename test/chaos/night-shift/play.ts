// Plays one fault: jobs before, during and after it; looks at every place; and counts what was lost or run twice.
import { join } from 'node:path';
import { messageOf } from '../../../src/errors.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import { Skip } from '../scenario.ts';
import { HARMFUL, type Fault } from './fault.ts';
import type { Place } from './place.ts';
import { Night } from './night.ts';

export interface Played {
  readonly name: string;
  /** The first line that names the cause. */
  readonly says: string;
  /** From the end of the fault to a node that is ready and has started a new job. */
  readonly recoveredSec: number | undefined;
  readonly jobs: number;
  readonly lost: number;
  readonly twice: number;
  /** The promises that were not kept. */
  readonly broken: readonly string[];
  /** Why it could not be played here, if so. */
  readonly skipped?: string;
}

/** Of no interest in a table. */
const REPOSITORY = join(import.meta.dirname, '..', '..', '..', '..');
const NAMED_WITHIN_MS = 8_000;
/** Commands take a while, and some causes are known only after the first look. */
const LOOKS: Readonly<Record<Place, number>> = { ready: Infinity, log: Infinity, status: 5, doctor: 2 };
const BEFORE_MS = 600;
/** A log is of no use if one trouble fills it. */
const MOST_LINES = 20;
const SHOWN = 1_500;

export async function play(fault: Fault, seed: number, recoverSec: number): Promise<Played> {
  const night = await Night.open(seed);
  const act = new Act(fault, night, recoverSec * 1_000);
  let skipped: string | undefined;
  try {
    await act.play();
  } catch (thrown) {
    if (thrown instanceof Skip) skipped = thrown.message;
    else act.broken.push(messageOf(thrown));
  }
  const { world } = night;
  if (act.broken.length > 0)
    act.broken.push(`the log of that time:\n${night.node.heard().slice(-SHOWN) || '(nothing)'}`);
  await world.close();
  return {
    name: fault.name,
    says: act.says
      .replaceAll(world.folder, '…')
      .replaceAll(REPOSITORY, '…')
      .replaceAll(world.cloud.qpuId, 'QPU'),
    recoveredSec: act.recoveredSec,
    jobs: world.jobs.length,
    lost: act.lost,
    twice: act.twice,
    broken: act.broken,
    ...(skipped === undefined ? {} : { skipped }),
  };
}

class Act {
  readonly broken: string[] = [];
  says = '';
  recoveredSec: number | undefined;
  lost = 0;
  twice = 0;
  readonly #fault: Fault;
  readonly #night: Night;
  readonly #recoverMs: number;
  /** All that any place said. */
  #advice = '';

  constructor(fault: Fault, night: Night, recoverMs: number) {
    this.#fault = fault;
    this.#night = night;
    this.#recoverMs = recoverMs;
  }

  async play(): Promise<void> {
    const { node: does = 'runs', where, after = [], heal, meanwhile, losesJobs, flows } = this.#fault;
    const { node, world } = this.#night;
    await this.#begin(does);
    const during = await this.#night.job();
    if (flows === true) await this.#delivered(during);
    for (const place of where) await this.#mustSay(place);
    await meanwhile?.(this.#night);
    if (does !== 'refuses') await this.#mustBeAlive(does !== 'dies');

    const healedAt = performance.now();
    await heal(this.#night);
    if (!node.isAlive) this.#night.start();
    await node.serving(this.#recoverMs);
    for (const jobId of losesJobs === true ? world.unfinished : this.#night.postponed)
      await world.resubmit(jobId);
    const probe = await this.#night.job();
    await waitUntil(`the start of a new job`, () => world.ledger.hasStarted(probe), {
      timeoutMs: this.#recoverMs,
    });
    this.recoveredSec = (performance.now() - healedAt) / 1_000;
    for (const place of after) await this.#mustSay(place);
    this.#checkAdvice();
    await world.allDelivered(this.#recoverMs);
    await this.#checkStates();
    this.#count();
    this.broken.push(...world.broken.splice(0));
  }

  async #begin(does: NonNullable<Fault['node']>): Promise<void> {
    const { prepare, inject } = this.#fault;
    const night = this.#night;
    const { node } = night;
    await prepare?.(night);
    if (does === 'runs' || does === 'dies') {
      if (!node.isAlive) night.start();
      await node.serving();
      await this.#delivered(await night.job());
      const long = await night.job('job', BEFORE_MS);
      await waitUntil('the start of a job', () => night.world.ledger.hasStarted(long));
    }
    node.mark();
    await inject(night);
    if (does === 'waits') night.start();
    if (does !== 'refuses') return;
    night.start();
    const code = await node.ended(20_000).catch(() => undefined);
    if (code === undefined) throw new Error('it should have refused to start, and runs');
    if (code === 0 || code === null) this.broken.push(`its start was refused with exit code ${code}`);
  }

  /** Notes a place that does not name the cause, with what it says instead. */
  async #mustSay(place: Place): Promise<void> {
    const { cause } = this.#fault;
    const giveUpAt = performance.now() + NAMED_WITHIN_MS;
    let text = '';
    for (let look = 1; look <= LOOKS[place]; look++) {
      text = await this.#night.node.look(place);
      if (cause.test(text) || performance.now() > giveUpAt) break;
      await new Promise((resolve) => setTimeout(resolve, LOOKS[place] === Infinity ? 100 : 1_000));
    }
    this.#advice += `${text}\n`;
    if (cause.test(text)) {
      if (place === 'log' || this.says === '') this.says = lineOf(text, cause);
      if (place === 'log' && linesOf(text, cause).length > MOST_LINES)
        this.broken.push(`the log repeats itself: ${linesOf(text, cause).length} lines name the cause`);
    } else
      this.broken.push(
        `${place} does not name the cause (${String(cause)}); it says:\n${text.slice(-SHOWN)}`,
      );
  }

  #checkAdvice(): void {
    const { remedy, never = HARMFUL } = this.#fault;
    if (!remedy.test(this.#advice))
      this.broken.push(
        `no place names the remedy (${String(remedy)}); they say:\n${this.#advice.slice(-SHOWN)}`,
      );
    const harm = never.exec(this.#advice)?.[0];
    if (harm !== undefined) this.broken.push(`a place advises what harms: ${lineOf(this.#advice, never)}`);
  }

  /** A process that has just been killed may still be there for a moment. */
  async #mustBeAlive(isToLive: boolean): Promise<void> {
    const { node } = this.#night;
    if (!isToLive) await waitUntil('the end of the node', () => !node.isAlive, { timeoutMs: 20_000 });
    else if (!node.isAlive) throw new Error('the node ended');
  }

  async #delivered(jobId: string): Promise<void> {
    const { results } = this.#night.world.cloud;
    await waitUntil(`the outcome of ${jobId}`, () => results.has(jobId), { timeoutMs: 20_000 });
  }

  /** In the end Redis has everything that it refused for a while. */
  async #checkStates(): Promise<void> {
    const { losesJobs, losesStates } = this.#fault;
    if (losesJobs === true || losesStates === true) return;
    const { cloud, jobs } = this.#night.world;
    const states = async (): Promise<(string | undefined)[]> =>
      Promise.all(jobs.map(async (jobId) => (await cloud.status(jobId))['state']));
    const isOver = (state: string | undefined): boolean => /^(completed|failed)$/.test(state ?? '');
    await waitUntil('every state', async () => (await states()).every(isOver), { timeoutMs: 10_000 }).catch(
      async () =>
        this.broken.push(`Redis has not the last state of every job: ${(await states()).join(', ')}`),
    );
  }

  #count(): void {
    const { world, spoiled } = this.#night;
    const { ledger, cloud, jobs } = world;
    ledger.read();
    this.lost = world.unfinished.length;
    for (const jobId of jobs) {
      // A run that a kill has cut off is repeated; a run that has ended is not.
      const again = ledger.runsOf(jobId).slice(0, -1);
      if (again.some(({ endedAt }) => endedAt !== undefined)) {
        this.twice += 1;
        this.broken.push(`${jobId} ran again although it had ended`);
      }
      const status = cloud.results.get(jobId)?.status;
      const wanted = spoiled.has(jobId) ? 'failed' : 'completed';
      if (status !== undefined && status !== wanted)
        this.broken.push(`${jobId} was reported ${status}, not ${wanted}`);
    }
    const { complaints } = this.#fault;
    for (const violation of cloud.violations) {
      if (complaints?.test(violation) !== true) this.broken.push(`the cloud: ${violation}`);
    }
  }
}

/** The line that says it, without its time. */
function lineOf(text: string, wanted: RegExp): string {
  const line = linesOf(text, wanted)[0] ?? text.split('\n')[0] ?? '';
  return line.replace(/^\d{4}-\d\d-\d\dT\S+\s+/, '').trim();
}

function linesOf(text: string, wanted: RegExp): string[] {
  return text.split('\n').filter((line) => wanted.test(line));
}
