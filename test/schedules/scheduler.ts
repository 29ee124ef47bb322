// Owns the order in which things happen: nothing does by itself, neither an answer nor a timer. What can happen next is a list
// of events, and the schedule chooses among them.
import { Disk } from './disk.ts';
import { LEASE_MS, type NodeLife } from './node.ts';
import { setStage, type Stage } from './stage.ts';
import { Time } from './time.ts';

/** What can happen next. */
export interface Event {
  readonly life: NodeLife | undefined;
  /** In words; only asked for if somebody reads them. */
  readonly what: () => string;
  /** A run takes time; all else may be fast. */
  readonly isRun: boolean;
  readonly happen: () => void;
  /** Of a write that a dying process has handed to its system already: what it does to the disk. */
  readonly effect?: () => void;
  /** Of an attempt to deliver: what happens if its connection is lost. */
  readonly lose?: () => void;
}

export abstract class Scheduler {
  readonly time = new Time();
  /** No time passes while an answer is on its way: a node that is up renews its leases in time. */
  readonly isFast: boolean;
  #events: Event[] = [];
  readonly #held = new Set<NodeLife>();
  readonly #stages = new Map<NodeLife | undefined, Stage>();
  readonly #listeners = new Set<(line: string) => void>();

  constructor(isFast: boolean) {
    this.isFast = isFast;
  }

  /** Called after each step, when no code runs. Throws if the step has broken something. */
  protected abstract stepped(): void;

  /** What can happen next, in the order in which it came up. */
  get events(): readonly Event[] {
    if (this.#held.size === 0) return this.#events;
    return this.#events.filter(({ life, isRun }) => isRun || life === undefined || !this.#held.has(life));
  }

  /** All of a node, also while it is held. */
  eventsOf(life: NodeLife): readonly Event[] {
    return this.#events.filter((event) => event.life === life);
  }

  isHeld(life: NodeLife): boolean {
    return this.#held.has(life);
  }

  /** From here on whatever a node waits for is late, until it is let go; its device goes on. */
  hold(life: NodeLife): void {
    this.#held.add(life);
  }

  letGo(life: NodeLife): void {
    if (this.#held.delete(life)) life.troubleAt = this.time.now;
  }

  letAllGo(): void {
    for (const life of this.#held) this.letGo(life);
  }

  add(event: Event): void {
    this.#events.push(event);
  }

  /** It cannot happen any more. */
  remove(event: Event): void {
    const at = this.#events.indexOf(event);
    if (at !== -1) this.#events.splice(at, 1);
  }

  /** Nothing of a node happens any more. */
  protected removeAllOf(life: NodeLife): void {
    this.#events = this.#events.filter((event) => event.life !== life);
    this.#held.delete(life);
    this.#stages.delete(life);
    this.time.stopAllOf(life);
  }

  /** What happens. */
  trace(words: () => string): void {
    for (const listener of this.#listeners) listener(words());
  }

  /** Returns what ends that. */
  onTrace(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The code of a node runs, until it waits for something. */
  async act(life: NodeLife | undefined, code: () => void): Promise<void> {
    setStage(this.#stageOf(life));
    code();
    await noMoreWork();
    setStage(undefined);
    this.stepped();
  }

  #stageOf(life: NodeLife | undefined): Stage {
    const known = this.#stages.get(life);
    if (known !== undefined) return known;
    const stage: Stage = {
      time: this.time,
      actor: life,
      disk: life?.disk ?? NO_DISK,
      later: (what, effect) => this.#later(life, what, effect),
      onExit: (listener) => void life?.exitListeners.push(listener),
    };
    this.#stages.set(life, stage);
    return stage;
  }

  /** Lets an event happen, maybe in place of another one. */
  happen(event: Event, instead = event): Promise<void> {
    this.remove(instead);
    this.trace(event.what);
    return this.act(event.life, event.happen);
  }

  /** Time goes on to the next timer. Those that only look around go with it. */
  async pass(): Promise<void> {
    const { time, isFast } = this;
    const until = time.now + LEASE_MS;
    for (;;) {
      while (isFast) {
        const event = this.events.find(({ isRun }) => !isRun);
        if (event === undefined) break;
        await this.happen(event);
      }
      const { next } = time;
      if (next === undefined || next.at > until) {
        time.now = until;
        return;
      }
      const looks = next.repeats && next.ms !== LEASE_MS / 6;
      if (!looks) this.trace(() => `${next.at - time.now} ms pass`);
      await this.act(next.owner as NodeLife | undefined, () => time.pass(next));
      if (!looks) return;
    }
  }

  #later(life: NodeLife | undefined, what: string, effect: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const happen = (): void => {
        try {
          effect();
          resolve();
        } catch (thrown) {
          reject(thrown);
        }
      };
      this.add({ life, what: () => `the disk ${what}`, isRun: false, happen, effect });
    });
  }
}

/** Nothing of a world without a node is on a disk. */
const NO_DISK = new Disk({ written: () => {}, synced: () => {} });

/** All promises that can be settled are: a tick comes behind them. An event loop that also looks for input costs more. */
function noMoreWork(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
