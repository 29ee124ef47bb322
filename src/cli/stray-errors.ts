// Errors that nobody catches, of code beside the node's own: a timer of a plugin that throws, a promise without a handler.
// The node continues, and says whose they are. Only if the node's own code was interrupted, it ends in good order.
import type { LoadedConfig } from '../config/load.ts';
import { messageOf, NodeError } from '../errors.ts';
import type { ReadinessReport } from '../kernel/readiness.ts';
import type { Node } from '../node.ts';
import { printable } from '../protocol/text.ts';
import { placesOf, stackOf, type Place } from './stack.ts';

/** Different ones that are told; of more there is only the number. */
const MOST_KINDS = 20;
const LONGEST_MESSAGE = 300;
const LONGEST_STACK = 8_000;

/** `rejection`: a promise that nobody handles. It has interrupted nothing. */
type How = 'error' | 'rejection';

interface Kind {
  readonly what: string;
  readonly remedy: string;
  times: number;
  last: Date;
  /** The job that was on the device then; null for an error of a plugin. */
  jobId: string | null;
}

interface Culprit {
  readonly who: string;
  readonly remedy: string;
  readonly isPlugin: boolean;
}

const RESTART_REMEDY =
  'Its run may never end: restart the node (coda stop, coda start), and the job runs again. CODA_JOB_TIMEOUT_SEC ends a run that hangs.';

export class StrayErrors {
  readonly #config: Pick<LoadedConfig, 'configFile' | 'executor' | 'plugins'>;
  readonly #kinds = new Map<string, Kind>();
  #others = 0;

  constructor(config: Pick<LoadedConfig, 'configFile' | 'executor' | 'plugins'>) {
    this.#config = config;
  }

  /** From now on, until the end of the process: code of plugins may run after the node is closed. */
  watch(node: Node): void {
    process.on('uncaughtException', (thrown) => this.#met(node, thrown, 'error'));
    process.on('unhandledRejection', (thrown) => this.#met(node, thrown, 'rejection'));
    node.hooks.readiness.tap('stray-errors', (report) => this.#report(node, report));
  }

  #met(node: Node, thrown: unknown, how: How): void {
    const places = placesOf(thrown);
    const { who, remedy, isPlugin } = this.#culprit(places ?? []);
    const message = printable(messageOf(thrown).replaceAll(/\s+/g, ' '), LONGEST_MESSAGE);
    const deed = how === 'error' ? 'threw an error' : 'left a rejected promise';
    const what = node.log.masked(`${who} ${deed} that nobody caught: ${message}`);
    if (this.#isNews(what, remedy, isPlugin ? null : jobOf(node))) {
      const stack = stackOf(thrown)?.slice(0, LONGEST_STACK) ?? 'there is no stack';
      node.log.error(`${what}\n  ${stack.replaceAll('\n', '\n  ')}`);
    }
    if (!mayBeBroken(thrown, places, how)) return;
    node.fail(
      new NodeError(`the node ends, since its own code may have been interrupted: ${what}`, {
        cause: thrown,
        remedy: `${remedy} No result is lost: start the node again.`,
      }),
    );
  }

  #culprit(places: readonly Place[]): Culprit {
    const inLog = 'its stack is in the log';
    const foreign = places.filter(({ isOurs }) => !isOurs);
    const [first] = foreign;
    if (first !== undefined) {
      const remedy = `Catch it there, ${inLog}. Then restart the node.`;
      const { configFile, executor, plugins } = this.#config;
      const file = foreign
        .map((place) => place.file)
        .find((name) => plugins.files.pluginOf(name) !== undefined);
      if (file === undefined)
        return { who: `code outside the node (${first.text})`, remedy, isPlugin: false };
      const isInConfig = file === configFile && executor !== undefined && typeof executor.value !== 'string';
      const who = `plugin ${plugins.files.pluginOf(file)}${isInConfig ? ' or the executor' : ''}`;
      return { who: `${who} (${first.text})`, remedy, isPlugin: !isInConfig };
    }
    if (places.length === 0) {
      return { who: 'code that cannot be named', remedy: `Find it: ${inLog}.`, isPlugin: false };
    }
    return { who: 'the node itself', remedy: `Please report this mistake, ${inLog}.`, isPlugin: false };
  }

  /** Whether the log should have it. */
  #isNews(what: string, remedy: string, jobId: string | null): boolean {
    const key = what.replaceAll(/\d+/g, '0');
    const last = new Date();
    const known = this.#kinds.get(key);
    if (known !== undefined) {
      Object.assign(known, { times: known.times + 1, last, jobId });
      return false;
    }
    if (this.#kinds.size >= MOST_KINDS) {
      this.#others += 1;
      return this.#others === 1;
    }
    this.#kinds.set(key, { what, remedy, times: 1, last, jobId });
    return true;
  }

  #report(node: Node, report: ReadinessReport): void {
    for (const { what, remedy, times, last, jobId } of this.#kinds.values()) {
      report.trouble(
        times === 1 ? what : `${what}; ${times} times, the last at ${last.toISOString()}`,
        remedy,
      );
      const seconds = Math.round((Date.now() - last.getTime()) / 1000);
      if (jobId === null || jobId !== jobOf(node) || seconds < node.settings.cancelGraceSec) continue;
      report.notReady(`job ${jobId} still runs ${seconds} s after ${what}`, RESTART_REMEDY);
    }
    if (this.#others > 0) {
      report.trouble(`${this.#others} more errors that nobody caught`, 'Correct those above first.');
    }
  }
}

/** The job on the device. */
function jobOf(node: Node): string | null {
  return node.phase === 'running' || node.phase === 'draining' ? node.jobs.current : null;
}

/** An error has interrupted whatever was under way: the node's own code, if that is outermost. Without a stack nobody knows.
 *  A promise interrupts nothing, but a mistake in the node's own code leaves something undone. */
function mayBeBroken(thrown: unknown, places: readonly Place[] | undefined, how: How): boolean {
  if (how === 'error') return places === undefined || places.at(-1)?.isOurs === true;
  const isMistake =
    thrown instanceof TypeError || thrown instanceof ReferenceError || thrown instanceof RangeError;
  return isMistake && places !== undefined && places.length > 0 && places.every(({ isOurs }) => isOurs);
}
