// Entries of the stream that are no jobs: each is recorded as a dead letter, then acknowledged.
import { messageOf } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import { CountedErrors } from '../log/counted-lines.ts';
import type { Logger } from '../log.ts';
import { recordDeadLetter } from '../outbox/dead-letters.ts';
import type { RedisWrites } from './redis-writes.ts';

export interface UnusableEntriesOptions {
  /** The folder of the dead letters. */
  readonly directory: string;
  readonly writes: RedisWrites;
  readonly hooks: Hooks;
  readonly log: Logger;
}

export class UnusableEntries {
  readonly #options: UnusableEntriesOptions;
  /** Those that are not acknowledged yet. */
  readonly #settingAside = new Set<string>();
  readonly #reasons: CountedErrors;
  /** Attempts to set one aside. */
  readonly #failures: CountedErrors;

  constructor(options: UnusableEntriesOptions) {
    this.#options = options;
    const { log } = options;
    this.#reasons = new CountedErrors(
      log,
      (left, seconds) =>
        `${left} more messages that are no jobs were set aside in the last ${seconds} s (dead-letters.jsonl in ${options.directory})`,
    );
    this.#failures = new CountedErrors(
      log,
      (left, seconds) => `${left} more messages could not be set aside in the last ${seconds} s`,
    );
  }

  has(messageId: string): boolean {
    return this.#settingAside.has(messageId);
  }

  /** Never rejects: one that cannot be recorded stays pending, and comes again. */
  async setAside(messageId: string, fields: readonly string[], reason: string): Promise<void> {
    const { directory, writes, hooks } = this.#options;
    this.#reasons.error(`${reason}; it is set aside and acknowledged`, { message_id: messageId });
    this.#settingAside.add(messageId);
    try {
      await recordDeadLetter(directory, messageId, fields, reason);
      hooks.onDeadLetter.call(Object.freeze({ messageId, reason }));
      await writes.acknowledge([messageId]);
    } catch (thrown) {
      const text = `message ${messageId} stays pending, since it cannot be set aside: ${messageOf(thrown)}`;
      this.#failures.error(text, { message_id: messageId });
    } finally {
      this.#settingAside.delete(messageId);
    }
  }

  close(): void {
    for (const errors of [this.#reasons, this.#failures]) errors.end();
  }
}
