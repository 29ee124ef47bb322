// Answers questions from the files of the history, whether the node runs or not.
import type { HistoryQuery, JobPage } from './history.ts';
import { readBackwards, type Place } from './files.ts';
import { glance, type Glance, isToDeliver, keyOf, mayHaveOutcome, parseLine } from './parse.ts';
import { parseMinute, Tally, type Minute } from './minute.ts';
import type { DeliveryAttempt, JobRecord, Period, RecordedDelivery } from './record.ts';

const DEFAULT_LIMIT = 100;
/** Attempts of a job that are kept in memory. */
const MOST_ATTEMPTS = 50;

/** Puts the lines of each job together, as they come: from the newest to the oldest. Only the lines of jobs that are asked
 *  for are parsed. */
class Joiner {
  /** What happened to jobs after their end, by the keys of the jobs; the newest first. */
  readonly #later = new Map<string, string[]>();

  /** What the line is about, if it is that of a job; else it is kept. */
  take(text: string): Glance | undefined {
    const seen = glance(text);
    if (seen === undefined || seen.isJob) return seen;
    const later = this.#later.get(seen.key);
    if (later === undefined) this.#later.set(seen.key, [text]);
    else if (later.length < MOST_ATTEMPTS) later.push(text);
    else later[MOST_ATTEMPTS - 1] = text;
    return undefined;
  }

  /** Forgets what happened to a job that is not asked for. */
  skip({ key }: Glance): void {
    this.#later.delete(key);
  }

  /** The record of a job's line; undefined if it is damaged. */
  join(text: string, { key }: Glance, place: Place): JobRecord | undefined {
    const later = (this.#later.get(key) ?? []).flatMap((line) => parseLine(line) ?? []);
    this.#later.delete(key);
    const line = parseLine(text);
    if (line?.is !== 'job') return undefined;
    const { job, jobId } = line;
    const attempts: DeliveryAttempt[] = [];
    let { annotations } = job;
    let cancelledAt: number | null = null;
    for (const one of later.toReversed()) {
      if (one.jobId !== jobId) continue;
      if (one.is === 'cancel') cancelledAt = one.t;
      if (one.is !== 'attempt') continue;
      attempts.push(one.attempt);
      annotations = one.annotations ?? annotations;
    }
    return { ...job, annotations, delivery: deliveryOf(job, attempts, cancelledAt), place: placeText(place) };
  }
}

function deliveryOf(
  { origin, outcome }: Pick<JobRecord, 'origin' | 'outcome'>,
  attempts: readonly DeliveryAttempt[],
  cancelledAt: number | null,
): RecordedDelivery {
  if (!isToDeliver(origin, outcome)) return { state: 'none', at: null, attempts: [] };
  if (cancelledAt !== null) return { state: 'cancelled', at: cancelledAt, attempts };
  const last = attempts.at(-1);
  if (last === undefined || last.kind === 'retry') return { state: 'waiting', at: null, attempts };
  return { state: last.kind, at: last.at, attempts };
}

/** The jobs that a query asks for, the newest first. Throws what the file system throws. */
export async function listJobs(folder: string, query: HistoryQuery): Promise<JobPage> {
  const { since = -Infinity, until = Infinity, limit = DEFAULT_LIMIT } = query;
  const joiner = new Joiner();
  const before = query.before === undefined ? undefined : placeOf(query.before);
  const after = query.after === undefined ? undefined : placeOf(query.after);
  const isWanted = filterOf(query);
  const jobs: JobRecord[] = [];
  let more = false;
  let isFileOld = true;
  await readBackwards(folder, 'jobs', {
    line: (text, place) => {
      if (after !== undefined && !isBefore(after, place)) return 'stop';
      const seen = joiner.take(text);
      if (seen === undefined) return undefined;
      // The clock may have been set meanwhile: only a whole file of old jobs is the end.
      if (seen.t >= since) isFileOld = false;
      const isAfter = before !== undefined && !isBefore(place, before);
      if (isAfter || !isWanted.atFirst(text)) {
        joiner.skip(seen);
        return undefined;
      }
      const job = joiner.join(text, seen, place);
      if (job === undefined) return undefined;
      if (job.endedAt < since || job.endedAt >= until || !isWanted.indeed(job)) return undefined;
      more = jobs.length >= limit;
      if (more) return 'stop';
      jobs.push(job);
      return undefined;
    },
    fileEnds: () => {
      if (isFileOld && since > 0) return 'stop';
      isFileOld = true;
      return undefined;
    },
  });
  return { jobs, more };
}

interface Filter {
  /** Whether the line may be one that is wanted. */
  atFirst(text: string): boolean;
  indeed(job: JobRecord): boolean;
}

function filterOf({ outcome, search }: HistoryQuery): Filter {
  const wanted = search?.toLowerCase();
  const written = search === undefined ? undefined : JSON.stringify(wanted).slice(1, -1);
  return {
    atFirst: (text) =>
      (outcome === undefined || mayHaveOutcome(text, outcome)) &&
      (written === undefined || text.toLowerCase().includes(written)),
    indeed: (job) => {
      if (outcome !== undefined && job.outcome !== outcome) return false;
      if (wanted === undefined) return true;
      return job.jobId.toLowerCase().includes(wanted) || job.error?.toLowerCase().includes(wanted) === true;
    },
  };
}

/** The last record of this job; undefined if there is none. */
export async function findJob(folder: string, jobId: string): Promise<JobRecord | undefined> {
  const joiner = new Joiner();
  const wanted = keyOf(jobId);
  let found: JobRecord | undefined;
  await readBackwards(folder, 'jobs', {
    line: (text, place) => {
      // Nothing is kept of jobs whose ids only begin like this: there may be very many.
      if (!text.includes(wanted) || glance(text)?.key !== wanted) return undefined;
      const seen = joiner.take(text);
      const job = seen === undefined ? undefined : joiner.join(text, seen, place);
      if (job?.jobId !== jobId) return undefined;
      found = job;
      return 'stop';
    },
  });
  return found;
}

/** The ids of all jobs that begin like this. */
export async function idsBeginning(folder: string, begin: string): Promise<Set<string>> {
  const wanted = JSON.stringify(begin).slice(0, -1);
  const ids = new Set<string>();
  await readBackwards(folder, 'jobs', {
    line: (text) => {
      const seen = text.includes(wanted) ? glance(text) : undefined;
      if (seen?.isJob !== true) return undefined;
      // There may be very many. Where nothing is escaped, the key is the id.
      const id = seen.key.includes('\\') ? parseLine(text)?.jobId : seen.key.slice(1);
      if (id?.startsWith(begin) === true) ids.add(id);
      return undefined;
    },
  });
  return ids;
}

/** Which of these jobs have a record. */
export async function recordedJobs(
  folder: string,
  jobIds: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const open = new Map(Array.from(jobIds, (jobId) => [keyOf(jobId), jobId]));
  await readBackwards(folder, 'jobs', {
    line: (text) => {
      const seen = glance(text);
      // Written as `key` is.
      if (seen?.isJob === true && open.has(seen.key)) found.add(open.get(seen.key) ?? '');
      return found.size === jobIds.size ? 'stop' : undefined;
    },
  });
  return found;
}

/** What happened in each stretch of `bucketMs` since then, the oldest first; only those in which a node ran. */
export async function readTrend(folder: string, since: number, bucketMs: number): Promise<Period[]> {
  const tallies = new Map<number, Tally>();
  await eachMinute(folder, since, Infinity, (minute) => {
    const bucket = Math.max(0, Math.floor((minute.from - since) / bucketMs));
    let tally = tallies.get(bucket);
    if (tally === undefined) tallies.set(bucket, (tally = new Tally()));
    tally.addMinute(minute);
  });
  return [...tallies]
    .toSorted(([a], [b]) => a - b)
    .map(([bucket, tally]) => tally.period(since + bucket * bucketMs, since + (bucket + 1) * bucketMs));
}

/** What happened between two times, to within a minute. */
export async function readPeriod(folder: string, since: number, until: number): Promise<Period> {
  const tally = new Tally();
  await eachMinute(folder, since, until, (minute) => tally.addMinute(minute));
  return tally.period(since, until);
}

async function eachMinute(
  folder: string,
  since: number,
  until: number,
  use: (minute: Minute) => void,
): Promise<void> {
  let isFileOld = true;
  await readBackwards(folder, 'minutes', {
    line: (text) => {
      const minute = parseMinute(text);
      if (minute === undefined || minute.from + minute.coveredMs < since) return undefined;
      isFileOld = false;
      if (minute.from < until) use(minute);
      return undefined;
    },
    fileEnds: () => {
      if (isFileOld) return 'stop';
      isFileOld = true;
      return undefined;
    },
  });
}

function placeText({ piece, offset }: Place): string {
  return `${piece}.${offset}`;
}

function placeOf(text: string): Place {
  const [piece = NaN, offset = NaN] = text.split('.').map(Number);
  return { piece, offset };
}

function isBefore(place: Place, other: Place): boolean {
  return place.piece < other.piece || (place.piece === other.piece && place.offset < other.offset);
}
