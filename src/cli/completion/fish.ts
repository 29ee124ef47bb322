// The completion of fish.
import type { CommandWords, OptionWords, Value } from './words.ts';

export function fishScript(commands: readonly CommandWords[]): string {
  return `# Completion of coda for fish. Made by: coda completion fish
complete -c coda -f
complete -c coda -n __fish_use_subcommand -l version -d 'Display version number'
complete -c coda -n __fish_use_subcommand -s h -l help -d 'Display this message'
${commands.map(commandLines).join('')}complete -c coda-node -w coda
`;
}

function commandLines({ name, about, options, operands }: CommandWords): string {
  const isThis = `__fish_seen_subcommand_from ${name}`;
  return [
    `-n __fish_use_subcommand -a ${name} -d ${quoted(about)}`,
    ...options.map((option) => `-n ${quoted(isThis)} ${optionWords(option)}`),
    ...operands.flatMap((value, index) => {
      // The words are: coda, the command, and the operands; options before them are not counted away.
      const isNext = `${isThis}; and test (count (commandline -opc)) -eq ${index + 2}`;
      return value === 'unknown' ? [] : [`-n ${quoted(value === 'file' ? isThis : isNext)} ${values(value)}`];
    }),
  ]
    .map((line) => `complete -c coda ${line}\n`)
    .join('');
}

function optionWords({ long, short, about, value, isOptional }: OptionWords): string {
  const names = `${short === undefined ? '' : `-s ${short.slice(1)} `}-l ${long.slice(2)} -d ${quoted(about)}`;
  if (value === undefined) return names;
  const words = value === 'unknown' ? '' : ` ${values(value)}`;
  if (isOptional) return `${names}${words}`;
  return `${names} ${value === 'file' ? '-r' : '-x'}${words}`;
}

function values(value: Exclude<Value, 'unknown'>): string {
  return value === 'file' ? '-F' : `-a ${quoted(value.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
