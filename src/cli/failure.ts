// What a command that failed says: the error's own words, and the stack only where it is a bug.
import { CodaError, messageOf, PluginError } from '../errors.ts';
import { maskUrlPasswords } from '../log.ts';

export function failureText(thrown: unknown): string {
  // What is not a CodaError is a bug: its stack helps whoever mends it.
  return maskUrlPasswords(thrown instanceof CodaError ? codaErrorText(thrown) : stackOf(thrown));
}

function codaErrorText(error: CodaError): string {
  const isNamed = error instanceof PluginError || error.plugin === undefined;
  return `${error.name}: ${error.message}${isNamed ? '' : `\n  (plugin '${error.plugin}', hook ${error.hook})`}`;
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown);
}
