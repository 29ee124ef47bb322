#!/usr/bin/env node
// The command line: reads the arguments, runs one command and turns an error into an exit code.
// 0: done; 1: failed; 2: wrong usage.
import { cac, type CAC } from 'cac';
import { version } from '../version.ts';
import { didYouMean } from '../config/suggest.ts';
import { addCancel } from './cancel/command.ts';
import { addConfig } from './config/command.ts';
import { addDev } from './dev/command.ts';
import { addDoctor } from './doctor/command.ts';
import { commandOf, readArguments } from './terminal/arguments.ts';
import { exitSoon, outliveOutput, showUncaught } from './terminal/exit.ts';
import { CommandError, failureText, UsageError } from './terminal/failure.ts';
import { guardOutput, terminal } from './terminal/output.ts';
import { addCommands, type CommandGroup } from './help.ts';
import { addExecutor } from './executor/command.ts';
import { addLogs } from './logs/command.ts';
import { addPause, addResume } from './pause/command.ts';
import { addReset } from './reset/command.ts';
import { addResults } from './results/command.ts';
import { addRun } from './run/command.ts';
import { addService } from './service/command.ts';
import { addStart } from './start/command.ts';
import { addStatus } from './status/command.ts';
import { addStopVpn } from './stop-vpn/command.ts';
import { addStop } from './stop/command.ts';
import { addSubmit } from './submit/command.ts';

/** In the order of `coda --help`. */
const GROUPS: readonly CommandGroup[] = [
  { title: 'Try it out', commands: [addDev, addSubmit, addCancel, addRun, addExecutor] },
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
const lostOutput = outliveOutput();
guardOutput();
showUncaught((text) => text);
void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  exitSoon();
});

async function run(args: readonly string[]): Promise<number> {
  const cli = cac('coda');
  addCommands(cli, GROUPS);
  cli.option('--reset', 'The same as the command `reset`');
  cli.version(version);
  try {
    const code = await dispatch(cli, args);
    // What a node's executor prints is not the result of `coda start`.
    if (cli.matchedCommandName !== 'start') await checkOutput();
    return code;
  } catch (thrown) {
    return await failed(thrown, cli);
  }
}

async function dispatch(cli: CAC, args: readonly string[]): Promise<number> {
  const named = commandOf(cli, args);
  const byOption = args.includes('--reset') ? cli.commands.find(({ name }) => name === 'reset') : undefined;
  const command = named ?? byOption;
  if (command !== undefined) {
    cli.matchedCommand = command;
    cli.matchedCommandName = command.name;
  }
  const { operands, options } = readArguments(cli, command, args);
  if (options['help'] === true) cli.outputHelp();
  else if (options['version'] === true) cli.outputVersion();
  else if (command === undefined) return noCommand(cli, operands[0]);
  else {
    if (named !== undefined && options['reset'] === true) throw new UsageError('--reset stands alone');
    cli.args = operands;
    cli.options = options;
    const code: unknown = await cli.runMatchedCommand();
    return typeof code === 'number' ? code : 0;
  }
  return 0;
}

async function checkOutput(): Promise<void> {
  // A stream reports its errors a moment later.
  await new Promise(setImmediate);
  const lost = lostOutput();
  if (lost !== undefined) throw new CommandError(`the output cannot be written: ${lost}`);
}

async function noCommand(cli: CAC, name: string | undefined): Promise<number> {
  if (name === undefined) {
    cli.outputHelp();
    return 2;
  }
  const suggestion = await didYouMean(
    name,
    cli.commands.map((command) => command.name),
  );
  terminal(process.stderr).error(
    `coda: there is no command '${name}'${suggestion}\n  → coda --help lists the commands`,
  );
  return 2;
}

async function failed(thrown: unknown, cli: CAC): Promise<number> {
  // cac reports wrong usage with an error of this name.
  const isUsage = thrown instanceof UsageError || (thrown instanceof Error && thrown.name === 'CACError');
  if (isUsage) {
    const help =
      cli.matchedCommandName === undefined ? 'coda --help' : `coda ${cli.matchedCommandName} --help`;
    terminal(process.stderr).error(`coda: ${thrown.message}${await suggestionFor(thrown)}\n  → see ${help}`);
    return 2;
  }
  terminal(process.stderr).error(failureText(thrown));
  return 1;
}

async function suggestionFor(thrown: Error): Promise<string> {
  const { misspelling } = thrown instanceof UsageError ? thrown : {};
  if (misspelling === undefined) return '';
  return (await didYouMean(misspelling.given, misspelling.known)) || misspelling.hint;
}
