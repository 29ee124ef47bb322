// How a failure reads on the terminal: an expected one by its message, a bug with its stack.
import { CodaError, messageOf, PluginError } from '../../errors.ts';
import { maskUrlPasswords } from '../../log.ts';

/** The text for standard error, without its newline. */
export function failureText(thrown: unknown): string {
  // What is not a CodaError is a bug: its stack helps whoever mends it.
  const text = thrown instanceof CodaError ? codaErrorText(thrown) : stackOf(thrown);
  return maskUrlPasswords(text);
}

function codaErrorText(error: CodaError): string {
  const isNamed = error instanceof PluginError || error.plugin === undefined;
  return `${error.name}: ${error.message}${isNamed ? '' : `\n  (plugin '${error.plugin}', hook ${error.hook})`}`;
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
}
