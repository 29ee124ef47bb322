#!/usr/bin/env node
// The command line: reads the arguments, runs one command and turns an error into an exit code.
// 0: done; 1: failed; 2: wrong usage.
import { createRequire } from 'node:module';
import { cac, type CAC } from 'cac';
import { didYouMean } from '../config/suggest.ts';
import { addCancel } from './cancel/command.ts';
import { addConfig } from './config/command.ts';
import { addDev } from './dev/command.ts';
import { addDoctor } from './doctor/command.ts';
import { exitSoon } from './terminal/exit.ts';
import { failureText } from './terminal/failure.ts';
import { addCommands, type CommandGroup } from './help.ts';
import { addLogs } from './logs/command.ts';
import { addPause, addResume } from './pause/command.ts';
import { addReset, reset } from './reset/command.ts';
import { addResults } from './results/command.ts';
import { addRun } from './run/command.ts';
import { addService } from './service/command.ts';
import { addStart } from './start/command.ts';
import { addStatus } from './status/command.ts';
import { addStopVpn } from './stop-vpn/command.ts';
import { addStop } from './stop/command.ts';
import { addSubmit } from './submit/command.ts';

const { version } = createRequire(import.meta.url)('coda-node/package.json') as { version: string };

/** In the order of `coda --help`. */
const GROUPS: readonly CommandGroup[] = [
  { title: 'Try it out', commands: [addDev, addSubmit, addCancel, addRun] },
  {
    title: 'Run a node',
    commands: [addStart, addStop, addStatus, addLogs, addPause, addResume, addService],
  },
  {
    title: 'Find and solve problems',
    commands: [addDoctor, addConfig, addResults, addStopVpn, addReset],
  },
];

process.title = 'coda-node';
void run(process.argv).then((code) => {
  process.exitCode = code;
  exitSoon();
});

async function run(argv: string[]): Promise<number> {
  const cli = cac('coda');
  addCommands(cli, GROUPS);
  cli.option('--reset', 'The same as the command `reset`');
  cli.version(version);
  try {
    cli.parse(argv, { run: false });
    if (cli.options['help'] === true || cli.options['version'] === true) return 0;
    if (cli.options['reset'] === true && cli.matchedCommand === undefined) return await reset(cli.options);
    if (cli.matchedCommand === undefined) return await noCommand(cli);
    const code: unknown = await cli.runMatchedCommand();
    return typeof code === 'number' ? code : 0;
  } catch (thrown) {
    return await failed(thrown, cli);
  }
}

async function noCommand(cli: CAC): Promise<number> {
  const [name] = cli.args;
  if (name === undefined) {
    cli.globalCommand.checkUnknownOptions();
    cli.outputHelp();
    return 2;
  }
  const suggestion = await didYouMean(
    name,
    cli.commands.map((command) => command.name),
  );
  process.stderr.write(
    `coda: there is no command '${name}'${suggestion}\n  → coda --help lists the commands\n`,
  );
  return 2;
}

async function failed(thrown: unknown, cli: CAC): Promise<number> {
  // cac reports wrong usage with an error of this name.
  const isUsage = thrown instanceof Error && thrown.name === 'CACError';
  if (isUsage) {
    const help =
      cli.matchedCommandName === undefined ? 'coda --help' : `coda ${cli.matchedCommandName} --help`;
    process.stderr.write(
      `coda: ${thrown.message}${await similarFlag(thrown.message, cli)}\n  → see ${help}\n`,
    );
    return 2;
  }
  process.stderr.write(`${failureText(thrown)}\n`);
  return 1;
}

/** A suggestion for an unknown flag. */
function similarFlag(message: string, cli: CAC): Promise<string> | string {
  const [, unknown] = /^Unknown option `(--?[\w-]+)`/.exec(message) ?? [];
  if (unknown === undefined) return '';
  const options = [...(cli.matchedCommand?.options ?? []), ...cli.globalCommand.options];
  const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const known = options.flatMap(({ names }) => names).filter((name) => name.length > 1);
  return didYouMean(
    dashed(unknown),
    known.map((name) => `--${dashed(name)}`),
  );
}
