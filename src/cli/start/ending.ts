// Writes down how the node's process ends: as it was asked to, by an error, or because some code ended it.
import { attributedMessageOf } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { CodaNode, Plugin } from '../../plugin.ts';
import { nodeFolder } from '../../state/layout.ts';
import { lastEndText, RunRecord, type HowEnded } from '../../state/last-end.ts';
import { callerOfExit } from '../run-config.ts';

const LOOK_EVERY_MS = 1_000;
const INSTEAD = 'An executor or plugin must throw an error instead of ending the process';

export class Ending {
  readonly plugin: Plugin = { name: 'last-end', apply: (node) => this.#apply(node) };
  #how: HowEnded = 'failed';
  #failure: string | undefined;
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The operator wants the node to end. */
  asked(): void {
    if (this.#failure === undefined) this.#how = 'stopped';
  }

  /** The operator wants it to end at once. */
  forced(): void {
    this.#how = 'forced';
  }

  /** The node cannot continue. */
  failed(reason: unknown): void {
    this.#failure = attributedMessageOf(reason);
    this.#how = 'failed';
  }

  #apply(node: CodaNode): void {
    // First of all taps: what fails after it is a failed start.
    node.hooks.boot.tap({ name: 'last-end', stage: -1000 }, () => {
      const record = new RunRecord(nodeFolder(node.settings.stateDir));
      if (record.before !== undefined) {
        const text = `the last run of this node ended ${lastEndText(record.before)}`;
        if (record.before.how === 'stopped') this.#log.info(text);
        else this.#log.warn(text);
      }
      const timer = setInterval(() => record.look(currentJob(node)), LOOK_EVERY_MS).unref();
      const onExit = (code: number): void => this.#onExit(node, record, code);
      process.on('exit', onExit);
      node.onClose('the record of this run', () => {
        clearInterval(timer);
        process.off('exit', onExit);
        record.end(this.#how, null, this.#log.masked(this.#closedText()));
      });
    });
  }

  #closedText(): string {
    if (this.#how === 'stopped') return 'stopped as it was asked to';
    return this.#failure === undefined ? 'its start failed, its log says why' : `it failed: ${this.#failure}`;
  }

  /** The process ends before the node is closed. */
  #onExit(node: CodaNode, record: RunRecord, code: number): void {
    const jobId = currentJob(node);
    const during = jobId === null ? '' : ` while job ${jobId} ran`;
    if (this.#how === 'forced') {
      record.end('forced', jobId, `stopped at once by a third signal${during}`);
      return;
    }
    const caller = callerOfExit();
    const what =
      caller === undefined
        ? `the process ended with exit code ${code}${during} before the node was closed`
        : `process.exit(${code}) was called${during}, ${caller}, and ended the node. ${INSTEAD}`;
    const text = this.#log.masked(what);
    record.end('exit', jobId, text);
    this.#log.error(text);
  }
}

function currentJob(node: CodaNode): string | null {
  try {
    return node.jobs.current;
  } catch {
    // It has no jobs yet.
    return null;
  }
}
