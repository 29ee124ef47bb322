// What a command shows of a failure: the message of an expected one, the stack of a bug.
import { CodaError, messageOf, PluginError } from '../../errors.ts';
import { maskUrlPasswords } from '../../log/redaction.ts';
import { foreignPlace, stackOf } from '../stack.ts';

/** A command cannot do what it was asked to; only the command line throws it. */
export class CommandError extends CodaError {
  readonly code = 'CODA_COMMAND';
}

export interface Misspelling {
  readonly given: string;
  readonly known: readonly string[];
  /** Said if nothing that is known is similar. */
  readonly hint: string;
}

/** The command line was used wrongly: exit code 2. Only the command line throws and shows it. */
export class UsageError extends Error {
  /** For a suggestion. */
  readonly misspelling: Misspelling | undefined;

  constructor(message: string, misspelling?: Misspelling) {
    super(message);
    this.misspelling = misspelling;
  }
}

/** The text for standard error, without its newline. */
export function failureText(thrown: unknown): string {
  // Anything but a CodaError is a bug: its stack helps whoever fixes it.
  const text = thrown instanceof CodaError ? codaErrorText(thrown) : (stackOf(thrown) ?? messageOf(thrown));
  return maskUrlPasswords(text);
}

function codaErrorText(error: CodaError): string {
  const isNamed = error instanceof PluginError || error.plugin === undefined;
  const who = isNamed ? '' : `\n  (plugin '${error.plugin}', hook ${error.hook})`;
  // A mistake in code of users: the message alone does not say where.
  const place = error.cause instanceof CodaError ? undefined : foreignPlace(error.cause)?.text;
  const isTold = place === undefined || error.message.includes(place);
  return `${error.name}: ${error.message}${who}${isTold ? '' : `\n  at ${place}`}`;
}
