// The origins that results go to, and how much of the outbox each takes. Origins that do not answer share one half of it:
// the other half is for those that do.
import { Origin } from './entry.ts';

/** Origins that answer and have nothing to wait for are remembered up to this number. */
const MAX_IDLE = 256;

export interface Room {
  /** Results that may wait. */
  readonly jobs: number;
  /** Memory that they may take. */
  readonly bytes: number;
}

export class Origins {
  readonly #room: Room;
  readonly #byKey = new Map<string, Origin>();
  #last: Origin | undefined;
  #count = 0;
  #weight = 0;
  /** Of the results, those to origins whose last attempt failed. */
  #failingCount = 0;
  #failingWeight = 0;
  #answering = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  /** The origin of a callback. */
  of(url: string): Origin {
    return this.find(url) ?? (this.#last = this.named(keyOf(url)));
  }

  /** The origin of a callback, if it is known. */
  find(url: string): Origin | undefined {
    return this.#last !== undefined && url.startsWith(this.#last.key)
      ? this.#last
      : this.#byKey.get(keyOf(url));
  }

  named(key: string): Origin {
    let origin = this.#byKey.get(key);
    if (origin === undefined) {
      // A copy: a part of a text keeps all of it in memory.
      origin = new Origin(Buffer.from(key).toString());
      this.#byKey.set(origin.key, origin);
    }
    return origin;
  }

  all(): Iterable<Origin> {
    return this.#byKey.values();
  }

  add(origin: Origin, weight: number): void {
    this.#change(origin, 1, weight);
  }

  grow(origin: Origin, weight: number): void {
    this.#change(origin, 0, weight);
  }

  remove(origin: Origin, weight: number): void {
    this.#change(origin, -1, -weight);
    // Nothing is left that could show that it answers again.
    if (origin.count === 0 && origin.trouble !== undefined) {
      origin.trouble = undefined;
      if (origin.hasAnswered) this.#answering += 1;
    }
    if (origin.count > 0 || (origin.hasAnswered && this.#byKey.size <= MAX_IDLE)) return;
    if (origin.answers) this.#answering -= 1;
    this.#byKey.delete(origin.key);
    if (this.#last === origin) this.#last = undefined;
  }

  /** Its last attempt failed. */
  failed(origin: Origin, reason: string): void {
    if (origin.trouble === undefined) {
      if (origin.hasAnswered) this.#answering -= 1;
      this.#failingCount += origin.count;
      this.#failingWeight += origin.weight;
    }
    origin.trouble = reason;
  }

  /** It has answered; returns whether that is new. */
  answered(origin: Origin): boolean {
    if (origin.answers) return false;
    if (origin.trouble !== undefined) {
      this.#failingCount -= origin.count;
      this.#failingWeight -= origin.weight;
    }
    origin.trouble = undefined;
    origin.hasAnswered = true;
    this.#answering += 1;
    return true;
  }

  /** Whether some origin answers. */
  get someAnswer(): boolean {
    return this.#answering > 0;
  }

  /** Whether those that do not answer have their half, while others do answer. */
  get isCrowded(): boolean {
    const { jobs, bytes } = this.#room;
    return this.someAnswer && (this.#failingCount >= jobs / 2 || this.#failingWeight >= bytes / 2);
  }

  /** The origin of a callback, if its job has to wait: those that do not answer have their half. */
  crowdedOut(url: string): string | undefined {
    return !this.isCrowded || this.find(url)?.answers === true ? undefined : keyOf(url);
  }

  /** Whether no further result may come: more than half of the room never goes to origins that do not answer, as long as
   *  another one does. */
  get isFull(): boolean {
    const { jobs, bytes } = this.#room;
    const overJobs = this.someAnswer ? Math.max(0, this.#failingCount - jobs / 2) : 0;
    const overBytes = this.someAnswer ? Math.max(0, this.#failingWeight - bytes / 2) : 0;
    return this.#count - overJobs >= jobs || this.#weight - overBytes > bytes;
  }

  #change(origin: Origin, count: number, weight: number): void {
    origin.count += count;
    origin.weight += weight;
    this.#count += count;
    this.#weight += weight;
    if (origin.trouble === undefined) return;
    this.#failingCount += count;
    this.#failingWeight += weight;
  }
}

/** `https://host:port/` of a callback, as it is written there. */
function keyOf(url: string): string {
  const end = url.indexOf('/', url.indexOf('//') + 2);
  return end === -1 ? `${url}/` : url.slice(0, end + 1);
}

/** For people: the origin of a URL, without what may be a secret. */
export function originOf(url: string): string {
  if (!URL.canParse(url)) return 'not a URL';
  const { origin, protocol } = new URL(url);
  return origin === 'null' ? `${protocol}…` : origin;
}
