// Which extra headers a webhook may carry. One that cannot be sent would make every attempt fail, so it is left out.
import type { Logger } from '../../src/index.ts';
import { extraHeaders, headerFault, printable } from '../../src/kit.ts';

/** The headers that plugins added, without reserved ones and, with a warning, without those that cannot be sent. */
export function sendableHeaders(headers: Record<string, unknown>, log: Logger): Record<string, string> {
  const sendable: Record<string, string> = {};
  for (const [name, value] of Object.entries(extraHeaders(headers))) {
    const fault = headerFault(name, value);
    if (fault === undefined) sendable[name] = String(value);
    else log.warn(`a plugin's webhook header '${printable(name, 60)}' is left out: ${fault}`);
  }
  return sendable;
}
