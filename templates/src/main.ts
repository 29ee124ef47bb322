// `create-coda-executor`: reads the command line, asks for the rest, says what is in the way, and writes the project.
import { readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { Cancelled, complete, type Answers } from './ask.ts';
import { caller, moduleName, packageName } from './names.ts';
import { plan } from './plan.ts';
import type { Project } from './project.ts';
import { render } from './render.ts';
import { nextSteps, showConflicts, showPlan } from './report.ts';
import { HELP, readArguments, UsageError, type Given } from './usage.ts';
import { write } from './write.ts';

/** Beside this file, which is bundled into one, is everything else of the package. */
const HERE = import.meta.dirname;

/** Returns the exit code: 0, 1 if it could not be done, 2 for wrong usage, 130 if it was cancelled. */
async function main(args: readonly string[]): Promise<number> {
  const given = readArguments(args);
  const version = ownVersion();
  if (given.help) return say(HELP);
  if (given.version) return say(`${version}\n`);
  const mayAsk = process.stdin.isTTY && process.stdout.isTTY && !given.json;
  const answers = await complete(given, mayAsk);
  const project = projectOf(answers, version);
  return make(answers, project);
}

function make({ folder, overwrite, dryRun, json }: Answers, project: Project): number {
  const files = render(project, join(HERE, 'files'));
  const { steps, conflicts, notes } = plan(folder, files, overwrite);
  const isWritten = conflicts.length === 0 && !dryRun;
  if (isWritten) write(folder, steps);
  const next = nextSteps(relative(process.cwd(), resolve(folder)), project);
  if (json) {
    const told = steps.map(({ path, action }) => ({ path, action }));
    const ok = conflicts.length === 0;
    const report = {
      ok,
      written: isWritten,
      folder: resolve(folder),
      project,
      files: told,
      conflicts,
      notes,
      next,
    };
    say(`${JSON.stringify(report, null, 2)}\n`);
  } else if (conflicts.length > 0) process.stderr.write(showConflicts(folder, conflicts));
  else say(showPlan({ folder, project, steps, notes, next, isWritten }));
  return conflicts.length === 0 ? 0 : 1;
}

function projectOf(answers: Answers, version: string): Project {
  const { folder, language, target, qubits, batch, example } = answers;
  const called = caller(process.env);
  const manager = answers.manager ?? called.manager;
  const common = {
    name: packageName(folder, answers.name),
    manager,
    isYarnBerry: called.isYarnBerry && manager === 'yarn',
    codaNode: codaNodeOf(answers, version),
  };
  if (answers.plugin && example !== undefined) return { kind: 'plugin', ...common, example };
  if (language === undefined || target === undefined || qubits === undefined || batch === undefined) {
    throw new Error('an answer is missing');
  }
  const module = moduleName(common.name);
  return { kind: 'executor', ...common, language, module, target, qubits, batch };
}

/** A path is meant as seen from here, not from the new folder. */
function codaNodeOf({ codaNode }: Given, version: string): string {
  if (codaNode === undefined) return `^${version}`;
  return /^(?:\.{0,2}[\\/]|[a-z]:[\\/])|\.tgz$/i.test(codaNode) ? `file:${resolve(codaNode)}` : codaNode;
}

function ownVersion(): string {
  const manifest = JSON.parse(readFileSync(join(HERE, '..', 'package.json'), 'utf8')) as { version: string };
  return manifest.version;
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function failed(thrown: unknown): number {
  if (thrown instanceof Cancelled) return 130;
  if (thrown instanceof UsageError) {
    process.stderr.write(`create-coda-executor: ${thrown.message}\n  → create-coda-executor --help\n`);
    return 2;
  }
  // Of the file system: what is full, or not ours. Its message has the path.
  const isExpected = thrown instanceof Error && 'syscall' in thrown;
  const text = thrown instanceof Error ? (isExpected ? thrown.message : thrown.stack) : String(thrown);
  process.stderr.write(`create-coda-executor: ${text}\nNothing was written.\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2)).catch(failed);
