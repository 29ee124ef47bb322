// Answers questions from the files of the history, whether the node runs or not.
import type { HistoryQuery, JobPage } from './history.ts';
import { readBackwards, type Place } from './files.ts';
import { isJobLine, jsonOf, parseLine, type Line } from './lines.ts';
import { parseMinute, Tally, type Minute } from './minute.ts';
import type { DeliveryAttempt, JobRecord, Period, RecordedDelivery } from './record.ts';

const DEFAULT_LIMIT = 100;
/** Attempts of a job that are kept in memory. */
const MOST_ATTEMPTS = 50;

/** What happened to a job after its end, newest first. */
interface Later {
  readonly attempts: DeliveryAttempt[];
  annotations: JobRecord['annotations'] | undefined;
  cancelledAt: number | undefined;
}

/** Puts the lines of each job together, as they come: from the newest to the oldest. */
class Joiner {
  readonly #later = new Map<string, Later>();

  /** The record, if this line is that of a job. */
  take(line: Line, place: Place): JobRecord | undefined {
    const { jobId } = line;
    if (line.is === 'job') {
      const later = this.#later.get(jobId);
      this.#later.delete(jobId);
      const { job } = line;
      const annotations = later?.annotations ?? job.annotations;
      return { ...job, annotations, delivery: deliveryOf(job, later), place: placeText(place) };
    }
    let later = this.#later.get(jobId);
    if (later === undefined) {
      later = { attempts: [], annotations: undefined, cancelledAt: undefined };
      this.#later.set(jobId, later);
    }
    if (line.is === 'cancel') later.cancelledAt ??= line.t;
    else {
      later.annotations ??= line.annotations;
      if (later.attempts.length < MOST_ATTEMPTS) later.attempts.push(line.attempt);
      else later.attempts[MOST_ATTEMPTS - 1] = line.attempt;
    }
    return undefined;
  }
}

function deliveryOf(
  { origin, outcome }: Pick<JobRecord, 'origin' | 'outcome'>,
  later: Later | undefined,
): RecordedDelivery {
  const isDelivered = origin === 'cloud' && (outcome === 'completed' || outcome === 'failed');
  if (!isDelivered) return { state: 'none', at: null, attempts: [] };
  const attempts = later?.attempts.toReversed() ?? [];
  if (later?.cancelledAt !== undefined) return { state: 'cancelled', at: later.cancelledAt, attempts };
  const last = attempts.at(-1);
  if (last === undefined || last.kind === 'retry') return { state: 'waiting', at: null, attempts };
  return { state: last.kind, at: last.at, attempts };
}

/** The jobs that a query asks for, the newest first. Throws what the file system throws. */
export async function listJobs(folder: string, query: HistoryQuery): Promise<JobPage> {
  const { since = -Infinity, until = Infinity, limit = DEFAULT_LIMIT } = query;
  const joiner = new Joiner();
  const before = query.before === undefined ? undefined : placeOf(query.before);
  const isWanted = filterOf(query);
  const jobs: JobRecord[] = [];
  let more = false;
  let isFileOld = true;
  await readBackwards(folder, 'jobs', {
    line: (text, place) => {
      const isAfter = before !== undefined && !isBefore(place, before);
      if (isAfter && isJobLine(text)) return undefined;
      const line = parseLine(text);
      if (line === undefined) return undefined;
      // The clock may have been set meanwhile: only a whole file of old lines is the end.
      if (line.t >= since) isFileOld = false;
      const job = joiner.take(line, place);
      if (job === undefined || job.endedAt < since || job.endedAt >= until || !isWanted(job))
        return undefined;
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

function filterOf({ outcome, search }: HistoryQuery): (job: JobRecord) => boolean {
  const wanted = search?.toLowerCase();
  return (job) => {
    if (outcome !== undefined && job.outcome !== outcome) return false;
    if (wanted === undefined) return true;
    return job.jobId.toLowerCase().includes(wanted) || job.error?.toLowerCase().includes(wanted) === true;
  };
}

/** The last record of this job; else those of all jobs whose ids begin like this, the newest first. */
export async function findJobs(folder: string, id: string): Promise<JobRecord[]> {
  const joiner = new Joiner();
  // As it is in a line, without the quote at its end: most lines need not be parsed.
  const marked = jsonOf(id).slice(0, -1);
  let exact: JobRecord | undefined;
  const found = new Map<string, JobRecord>();
  await readBackwards(folder, 'jobs', {
    line: (text, place) => {
      if (!text.includes(marked)) return undefined;
      const line = parseLine(text);
      if (line === undefined || !line.jobId.startsWith(id)) return undefined;
      const job = joiner.take(line, place);
      if (job === undefined) return undefined;
      if (job.jobId === id) {
        exact = job;
        return 'stop';
      }
      if (!found.has(job.jobId)) found.set(job.jobId, job);
      return undefined;
    },
  });
  return exact === undefined ? [...found.values()] : [exact];
}

/** Which of these jobs have a record. */
export async function recordedJobs(
  folder: string,
  jobIds: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  await readBackwards(folder, 'jobs', {
    line: (text) => {
      if (!isJobLine(text)) return undefined;
      const line = parseLine(text);
      if (line !== undefined && jobIds.has(line.jobId)) found.add(line.jobId);
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
