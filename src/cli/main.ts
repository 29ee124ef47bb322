#!/usr/bin/env node
// The command line: reads the arguments, runs one command and turns an error into an exit code.
// 0: done; 1: failed; 2: wrong usage.
import type { CAC } from 'cac';
import { didYouMean } from '../config/suggest.ts';
import { commandLine } from './commands.ts';
import { commandOf, readArguments } from './terminal/arguments.ts';
import { exitSoon, outliveOutput, showUncaught } from './terminal/exit.ts';
import { CommandError, failureText, UsageError } from './terminal/failure.ts';
import { guardOutput, outputFlushed, terminal } from './terminal/output.ts';

process.title = 'coda-node';
const lostOutput = outliveOutput();
guardOutput();
showUncaught((text) => text);
void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
  exitSoon();
});

async function run(args: readonly string[]): Promise<number> {
  const { cli } = commandLine();
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
    const hasOwn = command.options.some(({ name }) => name === 'reset');
    if (named !== undefined && options['reset'] === true && !hasOwn)
      throw new UsageError('--reset stands alone');
    cli.args = operands;
    cli.options = options;
    const code: unknown = await cli.runMatchedCommand();
    return typeof code === 'number' ? code : 0;
  }
  return 0;
}

async function checkOutput(): Promise<void> {
  await outputFlushed();
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
