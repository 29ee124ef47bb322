// What may be typed after `coda`, from the table of commands: what the completion of every shell is made of.
import type { CAC } from 'cac';
import { TARGETS } from '../../protocol/ir.ts';
import { OUTCOMES } from '../../history/record.ts';
import { LOG_LEVELS } from '../../log/levels.ts';
import { FORMATS, VERSIONS } from '../convert/command.ts';
import { chapters } from '../docs/pages.ts';
import { ACTIONS as EXECUTOR, SIDES } from '../executor/command.ts';
import type { Command } from '../help.ts';
import { ACTIONS as JOBS } from '../jobs/command.ts';
import { ACTIONS as RESULTS } from '../results/command.ts';
import { ACTIONS as SERVICE } from '../service/command.ts';
import { longName } from '../terminal/arguments.ts';
import { SHELLS } from './shells.ts';

/** The name of a file, one of these words, or something that nobody can know. */
export type Value = 'file' | 'unknown' | readonly string[];

export interface OptionWords {
  /** `--config` */
  readonly long: string;
  /** `-c` */
  readonly short: string | undefined;
  readonly about: string;
  /** Undefined if it takes none. */
  readonly value: Value | undefined;
  /** A value that may be left out follows a `=`. */
  readonly isOptional: boolean;
}

export interface CommandWords {
  readonly name: string;
  readonly about: string;
  readonly options: readonly OptionWords[];
  /** Of each operand in turn. */
  readonly operands: readonly Value[];
}

const FILES = new Set(['circuit', 'file', 'input', 'output']);

/** By the placeholder; `COMMAND placeholder` if each command has its own. */
function choices(): Readonly<Record<string, readonly string[]>> {
  return {
    format: FORMATS,
    gates: TARGETS,
    outcome: OUTCOMES,
    level: LOG_LEVELS,
    shell: SHELLS,
    side: SIDES,
    topic: chapters().flatMap(({ pages }) => pages.map(({ topic }) => topic)),
    version: VERSIONS,
    'executor action': EXECUTOR,
    'jobs action': JOBS,
    'results action': RESULTS,
    'service action': SERVICE,
  };
}

export function wordsOf(cli: CAC): CommandWords[] {
  const known = choices();
  return cli.commands.map((command) => {
    const value = (placeholder: string): Value => {
      if (FILES.has(placeholder)) return 'file';
      return known[`${command.name} ${placeholder}`] ?? known[placeholder] ?? 'unknown';
    };
    return {
      name: command.name,
      about: command.description,
      options: [...command.options.map((option) => optionWords(option, value)), HELP],
      operands: command.args.map(({ value: placeholder }) => value(placeholder)),
    };
  });
}

export const HELP: OptionWords = {
  long: '--help',
  short: '-h',
  about: 'Display this message',
  value: undefined,
  isOptional: false,
};

function optionWords(option: Command['options'][number], value: (placeholder: string) => Value): OptionWords {
  const { rawName, names, description, isBoolean } = option;
  const short = names.find((name) => name.length === 1);
  const [, placeholder = ''] = /[<[](.*?)[>\]]$/.exec(rawName) ?? [];
  return {
    long: longName(option),
    short: short === undefined ? undefined : `-${short}`,
    about: description,
    value: isBoolean === true ? undefined : value(placeholder),
    isOptional: rawName.includes('['),
  };
}
