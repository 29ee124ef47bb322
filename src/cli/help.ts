// What `coda --help` and `coda COMMAND --help` print, beyond what cac makes of the options and examples.
import type { CAC } from 'cac';

interface Section {
  title?: string;
  body: string;
}

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly ((cli: CAC) => void)[];
}

const FIRST_STEPS = `  coda dev                     see everything work on this machine, without an account
  coda run bell.json           try your executor, without a cloud
  coda executor check          find what is wrong with it, before a node runs it
  coda doctor                  check this machine before it goes online
  coda start --token -         go online: asks for the token from Coda`;

/** Adds every command, and replaces cac's help. */
export function addCommands(cli: CAC, groups: readonly CommandGroup[]): void {
  const listed = groups.map(({ title, commands }) => {
    const before = cli.commands.length;
    for (const add of commands) add(cli);
    return { title, commands: cli.commands.slice(before) };
  });
  cli.help((sections): Section[] => {
    const command = cli.matchedCommand;
    if (command !== undefined) return commandHelp(sections, command.description);
    const width = Math.max(...cli.commands.map(({ rawName }) => rawName.length));
    const [name, usage] = sections;
    return [
      ...[name, usage].filter((section) => section !== undefined),
      { title: 'First steps', body: FIRST_STEPS },
      ...listed.map(({ title, commands }) => ({
        title,
        body: commands.map((one) => `  ${one.rawName.padEnd(width)}  ${one.description}`).join('\n'),
      })),
      ...sections.filter(({ title }) => title === 'Options'),
      { body: 'coda <command> --help shows the options and examples of a command.' },
    ];
  });
}

/** The description comes first; `--reset` is an option of `coda` alone. */
function commandHelp(sections: readonly Section[], description: string): Section[] {
  const [name, ...rest] = sections.map(({ title, body }) => ({
    ...(title === undefined ? {} : { title }),
    body: body
      .split('\n')
      .filter((line) => !line.startsWith('  --reset '))
      .join('\n'),
  }));
  return [...(name === undefined ? [] : [name]), { body: description }, ...rest];
}
