// The questions, for what the command line does not say. Without a terminal nothing is asked.
import { cancel, confirm, intro, isCancel, select, text } from '@clack/prompts';
import { EXAMPLES, LANGUAGES, TARGETS, UsageError, wholeQubits, type Given } from './usage.ts';

export type Answers = Given & { readonly folder: string };

/** Ctrl-C or Escape at a question. Nothing has been written by then. */
export class Cancelled extends Error {}

const DEFAULTS = {
  language: 'typescript',
  target: 'cz',
  qubits: 5,
  batch: false,
  example: 'job-log',
} as const;

/** Throws a UsageError that names what is missing, if it may not ask; a Cancelled. */
export async function complete(given: Given, mayAsk: boolean): Promise<Answers> {
  if (given.yes) return withDefaults(given);
  if (!mayAsk) return refuseMissing(given);
  intro('A project for a quantum device');
  const folder = given.folder ?? (await askFolder(given.plugin));
  const saysExecutor =
    given.language !== undefined || given.target !== undefined || given.qubits !== undefined;
  const plugin =
    given.plugin || (!saysExecutor && given.batch === undefined && (await askKind()) === 'plugin');
  if (plugin) return { ...given, folder, plugin, example: given.example ?? (await askExample()) };
  return {
    ...given,
    folder,
    plugin,
    language: given.language ?? (await askLanguage()),
    target: given.target ?? (await askTarget()),
    qubits: given.qubits ?? (await askQubits()),
    batch: given.batch ?? (await askBatch()),
  };
}

function withDefaults(given: Given): Answers {
  const folder = given.folder ?? (given.plugin ? 'my-plugin' : 'my-backend');
  if (given.plugin) return { ...given, folder, example: given.example ?? DEFAULTS.example };
  const { language, target, qubits, batch } = DEFAULTS;
  return {
    ...given,
    folder,
    language: given.language ?? language,
    target: given.target ?? target,
    qubits: given.qubits ?? qubits,
    batch: given.batch ?? batch,
  };
}

function refuseMissing(given: Given): Answers {
  const { folder, plugin, example, language, target, qubits } = given;
  const needed = plugin
    ? { folder, '--example': example }
    : { folder, '--language': language, '--target': target, '--qubits': qubits };
  const missing = Object.entries(needed).flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing.length === 0) return withDefaults(given);
  throw new UsageError(
    `missing, and there is nobody to ask: ${missing.join(', ')}; or take the defaults: --yes`,
  );
}

async function askFolder(plugin: boolean): Promise<string> {
  const placeholder = plugin ? 'my-plugin' : 'my-backend';
  return answer(await text({ message: 'Folder', placeholder, defaultValue: placeholder }));
}

async function askKind(): Promise<'executor' | 'plugin'> {
  const kind = await select({
    message: 'What is it?',
    options: [
      { value: 'executor' as const, label: 'an executor', hint: 'runs circuits on a device' },
      { value: 'plugin' as const, label: 'a plugin', hint: 'adds to what a node does' },
    ],
  });
  return answer(kind);
}

async function askExample() {
  const hints = {
    'job-log': 'writes a file; sees all outcomes',
    calibration: 'has the device before a job',
    'qubit-mapping': 'changes circuits',
    'readout-mitigation': 'changes results',
    'webhook-mirror': 'posts outcomes to a second place',
  };
  const options = EXAMPLES.map((value) => ({ value, label: value, hint: hints[value] }));
  return answer(await select({ message: 'Which example does it begin from?', options }));
}

async function askLanguage() {
  const labels = { typescript: 'TypeScript', javascript: 'JavaScript', python: 'Python' };
  const options = LANGUAGES.map((value) => ({ value, label: labels[value] }));
  return answer(await select({ message: 'Language', options }));
}

async function askTarget() {
  const gates = {
    cz: 'rx ry rz cz id',
    iswap: 'rx ry rz iswap id',
    pcz: 'rx ry rz cp id',
    cnot: 'rx ry rz x90 y_minus_90 virtual_z cnot id',
  };
  const options = TARGETS.map((value) => ({ value, label: value, hint: gates[value] }));
  return answer(await select({ message: 'Native gates of the device', options }));
}

async function askQubits(): Promise<number> {
  const typed = await text({
    message: 'Number of its qubits',
    placeholder: String(DEFAULTS.qubits),
    defaultValue: String(DEFAULTS.qubits),
    validate(value = '') {
      if (value === '') return undefined;
      try {
        wholeQubits(value);
        return undefined;
      } catch (thrown) {
        return thrown instanceof Error ? thrown.message.replace('--qubits is', 'It is') : String(thrown);
      }
    },
  });
  return wholeQubits(answer(typed));
}

async function askBatch(): Promise<boolean> {
  return answer(await confirm({ message: 'Does it take several circuits at once?', initialValue: false }));
}

/** Throws if it was Ctrl-C. */
function answer<Value>(given: Value | symbol): Exclude<Value, symbol> {
  if (isAnswer(given)) return given;
  cancel('Nothing was written.');
  throw new Cancelled();
}

function isAnswer<Value>(given: Value | symbol): given is Exclude<Value, symbol> {
  return !isCancel(given);
}
