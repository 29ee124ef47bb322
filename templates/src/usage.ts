// The command line of `create-coda-executor`: its options, and what is wrong with them.
import { parseArgs } from 'node:util';

export const LANGUAGES = ['typescript', 'javascript', 'python'] as const;
export const TARGETS = ['cz', 'iswap', 'pcz', 'cnot'] as const;
export const MANAGERS = ['npm', 'pnpm', 'yarn', 'bun'] as const;
/** Folders of examples/, which are what plugins begin from. */
export const EXAMPLES = [
  'job-log',
  'calibration',
  'qubit-mapping',
  'readout-mitigation',
  'webhook-mirror',
] as const;
/** Two: the samples are of entangled qubits. A circuit has 50 at most. */
export const QUBITS = { least: 2, most: 50 };

export type Language = (typeof LANGUAGES)[number];
export type Target = (typeof TARGETS)[number];
export type Manager = (typeof MANAGERS)[number];
export type Example = (typeof EXAMPLES)[number];

export const HELP = `create-coda-executor: makes a project for a quantum device

Usage:
  npx create-coda-executor [folder] [options]
  npm create coda-executor [folder] -- [options]

Options:
  --language <name>         ${LANGUAGES.join(', ')}
  --target <gates>          Native gates of the device: ${TARGETS.join(', ')}
  --qubits <n>              Number of qubits of the device, ${QUBITS.least} to ${QUBITS.most}
  --batch, --no-batch       The device takes several circuits at once
  --plugin                  A plugin package, not an executor
  --example <name>          What the plugin begins from: ${EXAMPLES.join(', ')}
  --name <name>             Name of the package (default: that of the folder)
  --package-manager <name>  ${MANAGERS.join(', ')} (default: the one that runs this)
  --coda-node <version>     Version or tarball of coda-node (default: the one that this belongs to)
  -y, --yes                 Ask nothing, and take the defaults
  --overwrite               Replace files that are in the way
  --dry-run                 Only say what would be written
  --json                    Print JSON, for programs; ask nothing
  -h, --help                Display this message
  -v, --version             Display the version

Examples:
  npx create-coda-executor my-backend
  npx create-coda-executor my-backend --language python --target iswap --qubits 12
  npx create-coda-executor my-plugin --plugin --example webhook-mirror
  npx create-coda-executor .                  in a repository: adds what is missing
`;

/** Exit code 2. */
export class UsageError extends Error {}

/** What the command line says; undefined is what it does not say. */
export interface Given {
  readonly folder: string | undefined;
  readonly language: Language | undefined;
  readonly target: Target | undefined;
  readonly qubits: number | undefined;
  readonly batch: boolean | undefined;
  readonly plugin: boolean;
  readonly example: Example | undefined;
  readonly name: string | undefined;
  readonly manager: Manager | undefined;
  readonly codaNode: string | undefined;
  readonly yes: boolean;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
  readonly help: boolean;
  readonly version: boolean;
}

/** Throws a UsageError. */
export function readArguments(args: readonly string[]): Given {
  const { values, positionals } = parsed(args);
  const [folder, ...more] = positionals;
  if (more.length > 0)
    throw new UsageError(`one folder, not ${positionals.length}: ${positionals.join(', ')}`);
  if (folder === '') throw new UsageError('the name of the folder is empty');
  const given: Given = {
    folder,
    language: oneOf('--language', values.language, LANGUAGES),
    target: oneOf('--target', values.target, TARGETS),
    qubits: values.qubits === undefined ? undefined : wholeQubits(values.qubits),
    batch: values.batch,
    plugin: values.plugin === true || values.example !== undefined,
    example: oneOf('--example', values.example, EXAMPLES),
    name: values.name,
    manager: oneOf('--package-manager', values['package-manager'], MANAGERS),
    codaNode: values['coda-node'],
    yes: values.yes === true,
    overwrite: values.overwrite === true,
    dryRun: values['dry-run'] === true,
    json: values.json === true,
    help: values.help === true,
    version: values.version === true,
  };
  if (given.plugin) refuseOfExecutors(given);
  return given;
}

export function wholeQubits(text: string): number {
  const qubits = /^\d+$/.test(text) ? Number(text) : NaN;
  if (qubits >= QUBITS.least && qubits <= QUBITS.most) return qubits;
  throw new UsageError(
    `--qubits is ${text}; it must be a whole number from ${QUBITS.least} to ${QUBITS.most}`,
  );
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      allowNegative: true,
      options: {
        language: { type: 'string' },
        target: { type: 'string' },
        qubits: { type: 'string' },
        batch: { type: 'boolean' },
        plugin: { type: 'boolean' },
        example: { type: 'string' },
        name: { type: 'string' },
        'package-manager': { type: 'string' },
        'coda-node': { type: 'string' },
        yes: { type: 'boolean', short: 'y' },
        overwrite: { type: 'boolean' },
        'dry-run': { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    });
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function oneOf<Name extends string>(
  option: string,
  value: string | undefined,
  names: readonly Name[],
): Name | undefined {
  if (value === undefined) return undefined;
  const found = names.find((name) => name === value);
  if (found === undefined)
    throw new UsageError(`${option} is '${value}'; it must be one of ${names.join(', ')}`);
  return found;
}

/** An option without effect would be a misunderstanding. */
function refuseOfExecutors({ language, target, qubits, batch }: Given): void {
  if (language !== undefined && language !== 'typescript') {
    throw new UsageError(`a plugin is in TypeScript, not in ${language}; leave out --language`);
  }
  const unused = { '--target': target, '--qubits': qubits, '--batch': batch };
  const [first] = Object.entries(unused).find(([, value]) => value !== undefined) ?? [];
  if (first !== undefined) throw new UsageError(`${first} is for executors; leave it out with --plugin`);
}
