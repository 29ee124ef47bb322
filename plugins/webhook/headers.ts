// Which extra headers a webhook may carry. A header that cannot be sent would make every attempt fail, for ever.
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { extraHeaders, messageOf, printable, type Logger } from '../../src/index.ts';

/** What plugins added, without what is not theirs to set or cannot be sent; the log hears of the latter. */
export function sendableHeaders(headers: Record<string, unknown>, log: Logger): Record<string, string> {
  const sendable: Record<string, string> = {};
  for (const [name, value] of Object.entries(extraHeaders(headers))) {
    try {
      validateHeaderName(name);
      if (typeof value !== 'string') throw new TypeError('its value is not a string');
      validateHeaderValue(name, value);
      sendable[name.toLowerCase()] = value;
    } catch (thrown) {
      log.warn(`a plugin's webhook header '${printable(name, 60)}' is left out: ${messageOf(thrown)}`);
    }
  }
  return sendable;
}
