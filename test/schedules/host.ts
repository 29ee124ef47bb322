// An executor in a process of its own, which begins the next job by itself once the node allows it, as plugins/python has it.
// What the node and the process say to each other is under way for a while, in its order.
import type { ExecutionResult, OwnStart, UpcomingJob } from '../../src/device/executor.ts';
import { ExecutorDiedError } from '../../src/errors.ts';

/** What the process needs of its world. */
export interface HostWorld {
  readonly now: number;
  /** A job begins on the device; `end` is called when its run is over: with nothing if it has ended the process. */
  begin(
    jobId: string,
    isByItself: boolean,
    isStopped: () => boolean,
    end: (result: ExecutionResult | Error | undefined) => void,
  ): void;
  /** Nothing runs on it any more. */
  ended(): void;
  /** The node asks a process for a run that has died, which it does not know yet: it takes that for a start. */
  neverBegins(jobId: string): void;
  /** Something that is under way arrives. */
  later(what: string, happen: () => void): void;
}

interface Asked {
  readonly jobId: string;
  signal: AbortSignal | undefined;
  answer: ExecutionResult | Error | undefined;
  settle: ((answer: ExecutionResult | Error) => void) | undefined;
}

interface Next {
  readonly jobs: readonly string[];
  readonly after: string;
  readonly until: number;
}

const NOTHING: Next = { jobs: [], after: '', until: 0 };

export class Host implements OwnStart {
  readonly #world: HostWorld;
  /** Under way to the process. */
  readonly #sent: Next[] = [];
  /** Under way to the node. */
  readonly #answers: (() => void)[] = [];
  /** What may begin, one after another. */
  #next: readonly string[] = [];
  #until = 0;
  #running: string | undefined;
  /** What has begun by itself, as far as the node knows. */
  readonly #begun: Asked[] = [];
  /** What the node waits for. */
  readonly #waiting = new Set<Asked>();
  /** The process has died, and the node does not know. */
  #isDead = false;

  constructor(world: HostWorld) {
    this.#world = world;
  }

  get begun(): string | undefined {
    return this.#begun[0]?.jobId;
  }

  allow(jobs: readonly UpcomingJob[], after: string, until: number): void {
    this.#send({ jobs: jobs.map(({ jobId }) => jobId), after, until });
  }

  recall(): void {
    this.#send(NOTHING);
  }

  run(jobId: string, signal: AbortSignal): Promise<ExecutionResult> {
    const isBegun = this.begun === jobId;
    const asked = isBegun ? this.#begun.shift() : undefined;
    const own: Asked = asked ?? { jobId, signal, answer: undefined, settle: undefined };
    own.signal = signal;
    return new Promise((resolve, reject) => {
      own.settle = (answer) => {
        this.#waiting.delete(own);
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      };
      this.#waiting.add(own);
      if (own.answer !== undefined) own.settle(own.answer);
      else if (this.#isDead && !isBegun) this.#world.neverBegins(jobId);
      else if (!isBegun) {
        // It overtakes nothing that was sent before it.
        for (const next of this.#sent.splice(0)) this.#hear(next);
        this.#next = [];
        this.#begin(own, false);
      }
    });
  }

  /** The process is killed. */
  die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#running = undefined;
    this.#next = [];
    this.#sent.length = 0;
    this.#world.ended();
    this.#answer('its end', () => {
      this.#isDead = false;
      this.#begun.length = 0;
      const died = new ExecutorDiedError('the executor died');
      for (const asked of this.#waiting) asked.settle?.(died);
    });
  }

  #send(next: Next): void {
    if (this.#isDead) return;
    this.#sent.push(next);
    this.#world.later('hears what may begin', () => {
      const [first] = this.#sent.splice(0, 1);
      if (first !== undefined) this.#hear(first);
    });
  }

  /** The node may not know yet which of them has begun: what counts is what comes after that one. */
  #hear({ jobs, after, until }: Next): void {
    const at = [after, ...jobs].findIndex((jobId) => jobId === this.#running);
    this.#next = at === -1 ? [] : jobs.slice(at);
    this.#until = until;
  }

  #begin(asked: Asked, isByItself: boolean): void {
    this.#running = asked.jobId;
    this.#world.begin(
      asked.jobId,
      isByItself,
      () => asked.signal?.aborted === true,
      (result) => {
        if (result === undefined) return this.die();
        this.#running = undefined;
        const next = this.#takeNext();
        this.#answer(`the answer on ${asked.jobId}`, () => {
          if (next !== undefined) this.#begun.push(next);
          asked.answer = result;
          asked.settle?.(result);
        });
        if (next !== undefined) this.#begin(next, true);
      },
    );
  }

  /** The job that begins now, if one may. If not, none may until the node says so again. */
  #takeNext(): Asked | undefined {
    const [jobId, ...others] = this.#next;
    const mayBegin = jobId !== undefined && this.#world.now < this.#until;
    this.#next = mayBegin ? others : [];
    if (!mayBegin) return undefined;
    return { jobId, signal: undefined, answer: undefined, settle: undefined };
  }

  #answer(what: string, arrive: () => void): void {
    this.#answers.push(arrive);
    this.#world.later(`gives the node ${what}`, () => this.#answers.shift()?.());
  }
}
