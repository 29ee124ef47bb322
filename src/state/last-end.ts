// How the node of a state directory last ended, and during which job. A run writes down how it ends. If it could not,
// its earlier record and the system show what can still be known.
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { isRecord, printable } from '../protocol/text.ts';
import { lastRunPath, nodeFolder } from './layout.ts';
import { isSameMachine, isSamePlace, thisPlace, type Place } from './place.ts';
import { isProcessRunning, startTimeOf, type ProcessIdentity } from './process.ts';
import { readHintFile } from './private-file.ts';

/**
 * `stopped`: as the operator asked. `forced`: at once, by the operator's third signal. `failed`: by an error of the node,
 * also during its start. `exit`: some code ended the process. `killed`: without a record of its own. `power`: together
 * with the machine.
 */
export type HowEnded = 'stopped' | 'forced' | 'failed' | 'exit' | 'killed' | 'power';

export interface LastEnd {
  readonly how: HowEnded;
  /** ISO 8601, UTC; for `killed` and `power` the last sign of life, which is up to 10 s older than the end. */
  readonly at: string;
  /** The job that ran; for `killed` and `power` the one that was last seen to run, up to a second before. */
  readonly jobId: string | null;
  /** For people: a sentence without its full stop, with what to do. */
  readonly text: string;
}

/** What a run has in its file. */
interface RunFile extends ProcessIdentity {
  readonly place: Place;
  readonly outOfMemory: number | null;
  readonly at: string;
  readonly jobId: string | null;
  /** How this run ended; null while it runs. */
  readonly end: LastEnd | null;
  /** How the run before it ended. */
  readonly before: LastEnd | null;
}

const SIGN_OF_LIFE_MS = 10_000;
const LONGEST_TEXT = 500;
/** Longer than any record: a shorter one leaves nothing of a longer one behind. */
const RECORD_BYTES = 8 * 1024;

/** How the last node of `stateDir` ended; if one runs, how the one before it did. Undefined if that is not known. */
export function readLastEnd(stateDir: string): LastEnd | undefined {
  const file = readRunFile(lastRunPath(nodeFolder(stateDir)));
  if (file === undefined) return undefined;
  return file.end ?? (isAlive(file) ? file.before : judged(file)) ?? undefined;
}

/** One line on an end, for the log and for `coda status`. */
export function lastEndText({ how, at, text }: LastEnd): string {
  const about = how === 'killed' || how === 'power' ? 'shortly after ' : '';
  return `${about}${at.replace(/\.\d+Z$/, 'Z')}: ${text}`;
}

/** The record of the run of this process. Its folder must be locked. A disk that is full loses it, and nothing else. */
export class RunRecord {
  /** How the run before this one ended; undefined if that is not known. */
  readonly before: LastEnd | undefined;
  #fd: number | undefined;
  #file: RunFile;

  constructor(folder: string) {
    const path = lastRunPath(folder);
    const found = readRunFile(path);
    this.before = found === undefined ? undefined : (found.end ?? judged(found));
    this.#file = {
      pid: process.pid,
      startTime: startTimeOf(process.pid) ?? '',
      place: thisPlace(),
      outOfMemory: killsForMemory(),
      at: new Date().toISOString(),
      jobId: null,
      end: null,
      before: this.before ?? null,
    };
    this.#write(() => {
      this.#fd = openSync(path, 'w', 0o600);
    });
    // The record of a run must be there after a power cut.
    this.#write(() => this.#fd !== undefined && fsyncSync(this.#fd));
  }

  /** To be called about once a second, with the job that runs. */
  look(jobId: string | null): void {
    const isDue = Date.now() - Date.parse(this.#file.at) >= SIGN_OF_LIFE_MS;
    if (!isDue && jobId === this.#file.jobId) return;
    this.#file = { ...this.#file, at: new Date().toISOString(), jobId };
    this.#write();
  }

  /** The last record. Also in a handler of `exit`: it waits for nothing. */
  end(how: HowEnded, jobId: string | null, text: string): void {
    if (this.#fd === undefined) return;
    const at = new Date().toISOString();
    const end = { how, at, jobId, text: printable(text, LONGEST_TEXT) };
    this.#file = { ...this.#file, at, jobId, end, before: null };
    this.#write();
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  #write(first?: () => unknown): void {
    try {
      first?.();
      if (this.#fd === undefined) return;
      const bytes = Buffer.alloc(RECORD_BYTES, ' ');
      bytes.write(JSON.stringify(this.#file));
      writeSync(this.#fd, bytes, 0, RECORD_BYTES, 0);
    } catch {
      // The outbox reports a full disk.
    }
  }
}

/** What can be said of a run that has not written down its end. */
function judged({ at, jobId, place, outOfMemory }: RunFile): LastEnd {
  const job = jobId === null ? '' : `; job ${jobId} was on the device`;
  const here = thisPlace();
  if (wentDown(place, here)) {
    const text = `the machine went down, and the node with it (power cut, reboot or crash)${job}`;
    return { how: 'power', at, jobId, text };
  }
  const kills = isSameMachine(place, here) ? killsForMemory() : null;
  const isShort = kills !== null && outOfMemory !== null && kills > outOfMemory;
  const text = isShort
    ? `killed, perhaps for lack of memory: the system has killed a process for that since this run began${job}. ` +
      'See the system’s log (journalctl -k), and give the node more memory'
    : `killed without a word (kill -9, out of memory, or a crash of the process)${job}. ` +
      'See the system’s log (journalctl -k)';
  return { how: 'killed', at, jobId, text };
}

/** Of a process in another container or on another machine, only its signs of life can be seen. */
function isAlive(file: RunFile): boolean {
  const here = thisPlace();
  if (wentDown(file.place, here)) return false;
  if (isSamePlace(file.place, here)) return isProcessRunning(file);
  return Date.now() - Date.parse(file.at) < 3 * SIGN_OF_LIFE_MS;
}

/** Whether the machine of `place` is this one, and was started again since. Only Linux says so. */
function wentDown(place: Place, here: Place): boolean {
  return process.platform === 'linux' && !isSameMachine(place, here) && place.host === here.host;
}

/** How many processes the system has killed for lack of memory since it was started; null if it does not say. */
function killsForMemory(): number | null {
  try {
    const kills = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1];
    return kills === undefined ? null : Number(kills);
  } catch {
    return null;
  }
}

function readRunFile(path: string): RunFile | undefined {
  try {
    const found: unknown = JSON.parse(readHintFile(path) ?? '');
    const isWhole =
      isRecord(found) &&
      isRecord(found['place']) &&
      typeof found['at'] === 'string' &&
      !Number.isNaN(Date.parse(found['at'])) &&
      typeof found['pid'] === 'number' &&
      isJob(found['jobId']) &&
      isEnd(found['end']) &&
      isEnd(found['before']);
    return isWhole ? (found as unknown as RunFile) : undefined;
  } catch {
    return undefined;
  }
}

function isJob(value: unknown): boolean {
  return value === null || typeof value === 'string';
}

function isEnd(value: unknown): boolean {
  if (value === null) return true;
  const isText = (name: string): boolean => isRecord(value) && typeof value[name] === 'string';
  return isRecord(value) && ['how', 'at', 'text'].every(isText) && isJob(value['jobId']);
}
