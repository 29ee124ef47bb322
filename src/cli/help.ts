// What `coda --help` and `coda COMMAND --help` print, beyond what cac makes of the options and examples.
import type { CAC } from 'cac';

export type Command = CAC['commands'][number];

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly Command[];
}

interface Section {
  title?: string;
  body: string;
}

const FIRST_STEPS = `  coda dev                     see everything work on this machine, without an account
  coda run bell.qasm           try your executor, without a cloud
  coda executor check          find what is wrong with it, before a node runs it
  coda doctor                  check this machine before it goes online
  coda start --token -         go online: asks for the token from Coda`;

/** Replaces cac's help. */
export function addHelp(cli: CAC, groups: readonly CommandGroup[]): void {
  cli.help((sections): Section[] => {
    const command = cli.matchedCommand;
    if (command !== undefined) return commandHelp(sections, command.description);
    const width = Math.max(...cli.commands.map(({ rawName }) => rawName.length));
    const [name, usage] = sections;
    return [
      ...[name, usage].filter((section) => section !== undefined),
      { title: 'First steps', body: FIRST_STEPS },
      ...groups.map(({ title, commands }) => ({
        title,
        body: commands.map((one) => `  ${one.rawName.padEnd(width)}  ${one.description}`).join('\n'),
      })),
      ...sections.filter(({ title }) => title === 'Options'),
      { body: 'coda <command> --help shows the options and examples of a command.' },
    ];
  });
}

/** The description comes first; `--reset` is an option of `coda` alone. cac adds a default to each `--no-…`. */
function commandHelp(sections: readonly Section[], description: string): Section[] {
  const [name, ...rest] = sections.map(({ title, body }) => ({
    ...(title === undefined ? {} : { title }),
    body: body
      .split('\n')
      .filter((line) => !line.startsWith('  --reset '))
      .map((line) => (line.startsWith('  --no-') ? line.replace(/ \(default: true\)$/, '') : line))
      .join('\n'),
  }));
  return [...(name === undefined ? [] : [name]), { body: description }, ...rest];
}
