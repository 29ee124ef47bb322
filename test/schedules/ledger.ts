// What a world has seen of each job, and the promises that it must keep. Each has the name of docs/model/README.md.
import type { Kind } from './jobs.ts';

/** A promise was broken. */
export class Broken extends Error {
  readonly promise: string;

  constructor(promise: string, text: string) {
    super(`${promise}: ${text}`);
    this.name = 'Broken';
    this.promise = promise;
  }
}

/** One life of a node, from its start to its death. */
export interface Life {
  readonly node: string;
}

interface Run {
  readonly life: Life;
  isOver: boolean;
}

interface Post {
  readonly life: Life;
  readonly body: string;
  /** The node has heard how it ended. */
  isAnswered: boolean;
}

export interface JobFacts {
  readonly jobId: string;
  readonly kind: Kind;
  /** Its entries in the stream. */
  readonly entries: string[];
  readonly runs: Run[];
  readonly posts: Post[];
  /** Nodes with its outcome on their disk. */
  readonly savedBy: Set<string>;
  /** Nodes whose disk has that the outcome needs no further post. */
  readonly settledBy: Set<string>;
  /** Redis has had a copy of its outcome, or has refused it. */
  isCopied: boolean;
  isCopyRefused: boolean;
  /** Those who found it: a cancel comes too late for them. */
  readonly foundCopy: Set<Life>;
  /** Those who looked for it before that. */
  readonly foundNoCopy: Set<Life>;
  /** A post has reached the cloud. */
  hasArrived: boolean;
  /** What the cloud has taken. */
  taken: string | undefined;
  isRefused: boolean;
  isSetAside: boolean;
  /** The lives in which it was cancelled. */
  readonly cancelledIn: Set<Life>;
  /** Nodes that had begun it when another one took it over. */
  readonly takenFrom: Set<string>;
  /** It has changed hands. */
  wasClaimed: boolean;
  /** Redis has forgotten something of it. */
  isForgotten: boolean;
  /** By a packet that was on its way for long, from a node that had lost the job. */
  isTakenBack: boolean;
  isCancelAsked: boolean;
  hasFailed: boolean;
  /** Redis has lost its entries: nobody can promise anything. */
  isLost: boolean;
  /** The life whose write of its state Redis has refused. */
  refusedIn: Life | undefined;
  /** A command of a node that had lost the job has come after its final state: that it is executing. */
  isOverwritten: boolean;
  /** Deaths of nodes while it was with them and its outcome was not saved. */
  deaths: number;
  /** Lives whose plugins work on it now. */
  readonly workedOnBy: Set<Life>;
  /** Deaths of nodes in such work, and runs that were asked of an executor which had just died. */
  lostWorks: number;
  /** What has happened to it, besides. */
  readonly sights: Set<Sight>;
}

export type Sight = 'prepared' | 'mapped' | 'in a batch' | 'begun by itself' | 'handed back';

const FINAL = new Set(['completed', 'failed', 'cancelled']);

export class Ledger {
  readonly jobs = new Map<string, JobFacts>();
  readonly #maxDeliveries: number;
  readonly #hasCopies: boolean;
  readonly #dead = new Set<Life>();

  /** The first promise that was broken. Kept, and not thrown: the code of a node would take it for its own failure. */
  broken: Broken | undefined;

  constructor(maxDeliveries: number, hasCopies: boolean) {
    this.#maxDeliveries = maxDeliveries;
    this.#hasCopies = hasCopies;
  }

  submitted(jobId: string, kind: Kind, entry: string): void {
    const known = this.jobs.get(jobId);
    if (known !== undefined) {
      known.entries.push(entry);
      return;
    }
    this.jobs.set(jobId, {
      jobId,
      kind,
      entries: [entry],
      runs: [],
      posts: [],
      savedBy: new Set(),
      settledBy: new Set(),
      isCopied: false,
      isCopyRefused: false,
      foundCopy: new Set(),
      foundNoCopy: new Set(),
      hasArrived: false,
      taken: undefined,
      isRefused: false,
      isSetAside: false,
      cancelledIn: new Set(),
      takenFrom: new Set(),
      wasClaimed: false,
      isTakenBack: false,
      isForgotten: false,
      isCancelAsked: false,
      hasFailed: false,
      isLost: false,
      refusedIn: undefined,
      isOverwritten: false,
      deaths: 0,
      workedOnBy: new Set(),
      lostWorks: 0,
      sights: new Set(),
    });
  }

  get(jobId: string): JobFacts {
    const job = this.jobs.get(jobId);
    if (job === undefined) throw new Error(`no job ${jobId}`);
    return job;
  }

  /** A server that begins again gives an id to another job. */
  ofEntry(entry: string): JobFacts | undefined {
    let found: JobFacts | undefined;
    for (const job of this.jobs.values()) if (job.entries.includes(entry)) found = job;
    return found;
  }

  runStarted(life: Life, jobId: string): Run {
    const job = this.get(jobId);
    for (const node of job.savedBy) {
      const isLimit = job.takenFrom.has(node) || job.isForgotten || job.isTakenBack;
      if (!isSentAgain(job) && (node === life.node || !isLimit))
        this.breaks('saved-runs-no-more', `${life.node} runs ${jobId}, whose outcome ${node} has saved`);
    }
    // A copy is that of the entries which it names.
    const isOne = job.entries.length === 1;
    if (job.isCopied && isOne && !job.foundNoCopy.has(life) && !job.isForgotten && !job.isTakenBack)
      this.breaks('copied-runs-no-more', `${life.node} runs ${jobId}, and Redis has had its outcome`);
    for (const run of job.runs) {
      if (run.isOver || this.#dead.has(run.life)) continue;
      const mayRun = job.takenFrom.has(run.life.node) || job.isForgotten || job.isTakenBack;
      if (run.life === life || !mayRun)
        this.breaks('one-run-at-a-time', `${life.node} runs ${jobId}, which ${run.life.node} still runs`);
    }
    const run = { life, isOver: false };
    job.runs.push(run);
    return run;
  }

  /** An entry has another consumer now; `isLimit`: the node that had it was out of touch for longer than its lease.
   *  `hasOutcome`: whether that node has the job's outcome, maybe in memory only. */
  claimed(entry: string, from: string, isLimit: boolean, hasOutcome: (jobId: string) => boolean): void {
    const job = this.ofEntry(entry);
    if (job !== undefined) job.wasClaimed = true;
    if (job === undefined || !isLimit) return;
    const hadBegun =
      job.savedBy.has(from) || hasOutcome(job.jobId) || job.runs.some(({ life }) => life.node === from);
    if (hadBegun) job.takenFrom.add(from);
  }

  /** A limit: the last packet of a node that was cut off renews a lease which another node has taken over meanwhile. */
  takenBack(entry: string): void {
    const job = this.ofEntry(entry);
    if (job !== undefined) job.isTakenBack = true;
  }

  copied(jobId: string): void {
    this.get(jobId).isCopied = true;
  }

  /** A node looks for the copy of an outcome. */
  copyAsked(life: Life, jobId: string): void {
    const job = this.get(jobId);
    (job.isCopied ? job.foundCopy : job.foundNoCopy).add(life);
  }

  saved(node: string, jobId: string): void {
    this.get(jobId).savedBy.add(node);
  }

  /** The node will not post it (again): that is in its journal. */
  settled(node: string, jobId: string): void {
    this.get(jobId).settledBy.add(node);
  }

  /** The disk of a node has lost what was not synced. */
  unsettled(node: string): void {
    for (const job of this.jobs.values()) job.settledBy.delete(node);
  }

  /** Its node is dead: what it had not saved is gone. */
  died(life: Life): void {
    this.#dead.add(life);
    for (const job of this.jobs.values()) {
      if (job.runs.some((run) => run.life === life && !job.savedBy.has(life.node))) job.deaths += 1;
      if (job.workedOnBy.delete(life)) job.lostWorks += 1;
    }
  }

  postBegun(life: Life, jobId: string, body: string): Post {
    const job = this.get(jobId);
    if (!job.savedBy.has(life.node))
      this.breaks(
        'saved-before-said',
        `${life.node} posts the outcome of ${jobId}, which is not on its disk`,
      );
    this.#checkCopied(life, job);
    if (hasCancelled(job, life) && !isSentAgain(job))
      this.breaks('cancelled-not-posted', `${life.node} posts ${jobId}, which it has cancelled`);
    const isRepeat = job.posts.some((post) => post.isAnswered && post.life === life);
    if ((isRepeat || job.settledBy.has(life.node)) && !isSentAgain(job))
      this.breaks('no-needless-repeat', `${life.node} posts ${jobId} again, although the cloud has answered`);
    const post = { life, body, isAnswered: false };
    job.posts.push(post);
    return post;
  }

  /** The cloud has got it; returns whether it takes it. */
  arrived({ life, body }: Post, jobId: string): boolean {
    const job = this.get(jobId);
    job.hasArrived = true;
    if (hasCancelled(job, life) && !isSentAgain(job))
      this.breaks(
        'cancelled-not-posted',
        `the cloud gets ${jobId} from ${life.node}, which has cancelled it`,
      );
    if (job.kind === 'refused') {
      job.isRefused = true;
      return false;
    }
    job.taken ??= body;
    if (job.taken === body) return true;
    if (!this.#mayRunTwice(job))
      this.breaks('one-outcome', `${life.node} posts a second outcome of ${jobId}`);
    job.isRefused = true;
    return false;
  }

  /** A state was written. `before` is the one that was there. */
  stated(life: Life | undefined, jobId: string, state: string, before: string | null): void {
    const job = this.get(jobId);
    if (life !== undefined && state !== 'cancelled' && FINAL.has(state) && !job.savedBy.has(life.node))
      this.breaks(
        'saved-before-said',
        `${life.node} says ${state} of ${jobId}, whose outcome is not on its disk`,
      );
    if (life !== undefined && state !== 'cancelled' && FINAL.has(state)) this.#checkCopied(life, job);
    const isLate = state === 'executing' && before !== null && FINAL.has(before);
    job.isOverwritten = (job.isOverwritten || isLate) && !FINAL.has(state);
    if (this.#mayRunTwice(job)) return;
    // A limit: the cloud has seen a state, and not the outcome.
    const isInTime = state === 'cancelled' && !job.hasArrived;
    if (before !== null && FINAL.has(before) && before !== state && !isInTime)
      this.breaks('final-state-stays', `${jobId} was ${before}, and is ${state} now`);
    if (state === 'cancelled' && job.hasArrived)
      this.breaks('cancelled-not-posted', `${jobId} is cancelled, and its outcome was posted`);
  }

  acknowledged(entry: string, state: string | null): void {
    const job = this.ofEntry(entry);
    if (job === undefined || this.#hasEnd(job) || state === 'cancelled') return;
    if (job.savedBy.size > 0 && state !== null && FINAL.has(state)) return;
    // Its journal has that it was cancelled, and the node writes the state again after its next start.
    if (job.cancelledIn.size > 0 && job.settledBy.size > 0) return;
    this.breaks('nothing-lost', `the entry of ${job.jobId} is acknowledged, and it has no end (${state})`);
  }

  /** A node has heard of a cancel; `took` is its answer. */
  heardCancel(life: Life, jobId: string, took: boolean): void {
    const job = this.get(jobId);
    if (took) {
      job.cancelledIn.add(life);
      return;
    }
    // Whether it was cancelled before, is forgotten with the rest.
    if (job.isForgotten) return;
    const runs = job.runs.some((run) => run.life === life && !run.isOver);
    if (runs && job.posts.length === 0 && !job.savedBy.has(life.node) && job.cancelledIn.size === 0)
      this.breaks('cancel-wins', `${life.node} runs ${jobId}, and a cancel changes nothing`);
  }

  /** The reason with which a job has failed. */
  failed(jobId: string, error: string): void {
    this.get(jobId).hasFailed = true;
    const starts = /was started (\d+) times/.exec(error)?.[1];
    if (starts === undefined) return;
    const job = this.get(jobId);
    // Limits: one start that was marked too early; and if another node takes it over, those that were announced.
    if (!job.wasClaimed && job.runs.length + job.lostWorks < this.#maxDeliveries - 1)
      this.breaks('own-starts-only', `${jobId} has ${job.runs.length} runs, and is given up: ${error}`);
  }

  /** `state`: what Redis says of it. */
  handedBack(life: Life, jobId: string, state: string | null): void {
    const job = this.get(jobId);
    job.sights.add('handed back');
    const isLimit = (node: string): boolean => job.takenFrom.has(node) || job.isForgotten || isSentAgain(job);
    const isSaved = [...job.savedBy].some((node) => !isLimit(node));
    const runs = job.runs.some((run) => !run.isOver && !this.#dead.has(run.life) && !isLimit(run.life.node));
    const isKnown = (state !== null || job.isCopied) && job.takenFrom.size === 0 && !isLimit(life.node);
    if (isSaved || runs || isKnown)
      this.breaks('handed-back-not-begun', `${life.node} hands ${jobId} back, which has begun (${state})`);
  }

  /** All troubles are over, and time has passed. */
  ended(state: (jobId: string) => string | null, hasCopy: (jobId: string) => boolean): void {
    for (const job of this.jobs.values()) {
      if (hasCopy(job.jobId) && !job.isForgotten)
        this.breaks('copies-are-removed', `${job.jobId} is done, and Redis still has its outcome`);
      const found = state(job.jobId);
      const isThere = job.isLost || this.#hasEnd(job) || found === 'cancelled';
      if (!isThere) this.breaks('every-job-ends', `${job.jobId} has no outcome (${found})`);
      if (found === 'cancelled' && job.taken !== undefined && !this.#mayRunTwice(job))
        this.breaks('cancelled-not-posted', `${job.jobId} is cancelled, and the cloud has its outcome`);
      if (this.#needsState(job, found)) this.breaks('every-job-ends', `${job.jobId} is ${found} in Redis`);
    }
  }

  breaks(promise: string, text: string): void {
    this.broken ??= new Broken(promise, text);
  }

  allHaveStates(state: (jobId: string) => string | null): boolean {
    return [...this.jobs.values()].every((job) => !this.#needsState(job, state(job.jobId)));
  }

  #checkCopied({ node }: Life, { jobId, isCopied, isCopyRefused }: JobFacts): void {
    if (this.#hasCopies && !isCopied && !isCopyRefused)
      this.breaks('copied-before-said', `${node} says how ${jobId} ended, and its outcome is not in Redis`);
  }

  /** A state that Redis has refused is kept for as long as the node runs. */
  #needsState(job: JobFacts, state: string | null): boolean {
    if (job.kind === 'malformed' || job.isForgotten || job.isOverwritten) return false;
    const isGivenUp = job.refusedIn !== undefined && this.#dead.has(job.refusedIn);
    return !isGivenUp && (state === null || !FINAL.has(state));
  }

  #hasEnd(job: JobFacts): boolean {
    const isCancelled = job.isCancelAsked && job.refusedIn !== undefined;
    // What is handed back, another program does.
    return job.taken !== undefined || job.isSetAside || isCancelled || job.sights.has('handed back');
  }

  /** The limits of the promises that let a job have two outcomes: it was taken over from a node that had begun it, or
   *  Redis has forgotten it. */
  #mayRunTwice(job: JobFacts): boolean {
    return job.isForgotten || job.isTakenBack || job.takenFrom.size > 0 || isSentAgain(job);
  }
}

function hasCancelled({ cancelledIn, foundCopy }: JobFacts, life: Life): boolean {
  return cancelledIn.has(life) && !foundCopy.has(life);
}

/** The cloud has sent it once more, and Redis does not say that it is done. */
function isSentAgain({ entries, hasFailed, isForgotten, refusedIn }: JobFacts): boolean {
  return entries.length > 1 && (hasFailed || isForgotten || refusedIn !== undefined);
}
