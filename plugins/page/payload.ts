// What the page is sent, as text without secrets: of the log's, and of what looks like credentials in an error.
import type { Logger } from '../../src/index.ts';
import { withoutCredentials } from '../../src/kit.ts';

/** `value` as JSON, each text in it masked. */
export function asPayload(value: unknown, log: Logger): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'string' ? log.masked(withoutCredentials(part)) : part,
  );
}
