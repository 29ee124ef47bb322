// The Python processes of one node: started to look for executors, and to run the one that is chosen.
import {
  CodaError,
  ExecutorError,
  messageOf,
  type CodaNode,
  type Executor,
  type Settings,
} from '../../src/index.ts';
import type { ExecutorRecipe, InstalledPython, PythonExecutors, PythonReference } from '../../src/kit.ts';
import { pythonSettings, withoutSecrets } from './environment.ts';
import { PythonExecutor, type Ready, type Runs } from './executor.ts';
import { describePython, howToInstall, isTooOld, startFailure, tooOld } from './failures.ts';
import { PythonHost } from './host.ts';
import type { Fields } from './frames.ts';
import { findInterpreter, toldInterpreter, versionOf, type Interpreter } from './interpreter.ts';
import { nodeProcess } from './scheduling.ts';

const LONGEST_EDGES_MS = 10_000;
const NO_PYTHON = 'there is no Python on this machine';
const NO_PYTHON_REMEDY =
  'Install Python 3.9 or newer, or name the interpreter of the environment in which the driver is installed: CODA_PYTHON=/path/to/.venv';

/** A process that has said hello. */
interface Opened {
  readonly host: PythonHost;
  readonly interpreter: Interpreter;
  readonly version: string;
}

export class PythonRoom {
  readonly #node: CodaNode;
  readonly #log: CodaNode['log'];
  readonly #hosts = new Set<PythonHost>();
  readonly #runs: Runs = new Map();
  #executor: PythonExecutor | undefined;
  #closed = false;

  constructor(node: CodaNode) {
    this.#node = node;
    this.#log = node.log;
    node.onClose('the Python processes', async () => {
      this.#closed = true;
      await Promise.all([...this.#hosts].map((host) => host.close()));
    });
  }

  /** The executor of this node, if it is in Python and made. */
  get executor(): PythonExecutor | undefined {
    return this.#executor;
  }

  async load(reference: PythonReference): Promise<ExecutorRecipe> {
    const interpreter = this.#find(reference);
    if (interpreter === undefined) {
      throw new ExecutorError(`${reference.label} is in Python, and ${NO_PYTHON}`, {
        remedy: NO_PYTHON_REMEDY,
      });
    }
    return this.#import(await this.#open(interpreter), reference);
  }

  async loadIfThere(reference: PythonReference): ReturnType<PythonExecutors['loadIfThere']> {
    const { label, python } = reference;
    let opened: Opened;
    try {
      const interpreter = this.#find(reference);
      if (interpreter === undefined) {
        return { missing: `and if it is in Python: ${NO_PYTHON}`, remedy: NO_PYTHON_REMEDY };
      }
      opened = await this.#open(interpreter);
    } catch (thrown) {
      if (!(thrown instanceof CodaError)) throw thrown;
      return {
        missing: `and Python cannot look for it: ${textOf(thrown)}`,
        remedy: thrown.remedy ?? NO_PYTHON_REMEDY,
      };
    }
    const { host, interpreter, version } = opened;
    const module = python.slice(0, python.indexOf(':'));
    const { file } = await this.#ask(opened, label, { t: 'find', module }, 'found');
    if (file === null) {
      await host.close();
      return {
        missing: `nor does ${describePython(interpreter, version)} find one`,
        remedy: howToInstall(module, interpreter.path),
      };
    }
    this.#log.info(`no JavaScript module is named '${module}', so it is taken as the Python module`);
    return this.#import(opened, reference);
  }

  async installed(): Promise<InstalledPython> {
    const { settings, env } = this.#node;
    const none = { executors: [], failures: [] };
    const interpreter = toldInterpreter(settings.python, env, process.cwd());
    if (interpreter === undefined) return none;
    let opened: Opened;
    try {
      opened = await this.#open(interpreter);
    } catch (thrown) {
      // An active environment may have nothing to do with this node.
      if (settings.python !== '' || !(thrown instanceof CodaError)) throw thrown;
      this.#log.warn(`no executor is looked for in Python: ${textOf(thrown)}`);
      return none;
    }
    const label = 'the search for installed executors in Python';
    const { factories, failed } = await this.#ask(opened, label, { t: 'discover' }, 'discovered');
    const found: readonly Fields[] = Array.isArray(factories) ? factories : [];
    if (found.length === 0) await opened.host.close();
    const where = describePython(interpreter, opened.version);
    return {
      executors: found.map(({ factory, settings: takesSettings }) => {
        const python = String(factory);
        const reference = { python, baseDirs: [], label: `executor ${python}` };
        return this.#recipe(opened, reference, takesSettings);
      }),
      failures: (Array.isArray(failed) ? failed : []).map(
        ({ module, type, message }: Fields) =>
          `executor of the Python package ${String(module)} cannot be loaded: ${String(type)}: ${String(message)}; in ${where}`,
      ),
    };
  }

  /** Ends the processes that were only asked. */
  async closeUnused(): Promise<void> {
    const unused = [...this.#hosts].filter((host) => host !== this.#executor?.host);
    await Promise.all(unused.map((host) => host.close()));
  }

  #find({ interpreter: option, baseDirs }: PythonReference): Interpreter | undefined {
    const { settings, env } = this.#node;
    return findInterpreter({ option, setting: settings.python, env, baseDirs, cwd: process.cwd() });
  }

  async #open(interpreter: Interpreter): Promise<Opened> {
    const { modules, env } = this.#node;
    modules.check(interpreter.path, 'the Python interpreter');
    // Python imports what lies there.
    modules.checkFolder(process.cwd(), 'the working directory');
    const host = new PythonHost({
      python: interpreter.path,
      env: withoutSecrets(env),
      log: this.#log,
      jobOf: () => this.#runs.keys().next().value,
    });
    this.#hosts.add(host);
    void host.exited.then(() => this.#hosts.delete(host));
    if (this.#closed) await host.close();
    const hello = await host.request(undefined, 'hello').catch(async (thrown: unknown) => {
      const old = await versionOf(interpreter.path);
      if (old !== undefined && isTooOld(old)) return { python: old };
      throw new ExecutorError(`${describePython(interpreter)} ${messageOf(thrown)}`, {
        remedy: `See what it says: ${interpreter.path} --version. Python 3.9 or newer is needed.`,
      });
    });
    const version = String(hello['python']);
    if (!isTooOld(version)) return { host, interpreter, version };
    await host.close();
    throw new ExecutorError(tooOld(interpreter, version), { remedy: NO_PYTHON_REMEDY });
  }

  async #import(opened: Opened, reference: PythonReference): Promise<ExecutorRecipe> {
    const { label, python: factory } = reference;
    const imported = await this.#ask(opened, label, { t: 'import', factory }, 'imported');
    this.#log.info(
      `${describePython(opened.interpreter, opened.version)} imports ${factory.slice(0, factory.indexOf(':'))}`,
    );
    return this.#recipe(opened, reference, imported['settings']);
  }

  #recipe(opened: Opened, reference: PythonReference, takesSettings: unknown): ExecutorRecipe {
    return {
      source: reference.python,
      create: (settings, { options }) => {
        if (Object.keys(options).length === 0) return this.#create(opened, reference, settings);
        throw new ExecutorError(
          `${reference.label} is in Python: its factory gets the settings, and no options`,
          {
            remedy: 'Name it without options; what it needs can be in the device YAML or in the environment.',
          },
        );
      },
      needsBundle: takesSettings !== false,
    };
  }

  async #create(opened: Opened, reference: PythonReference, settings: Settings): Promise<Executor> {
    const first = await this.#init(opened, reference, settings);
    const { ready } = first;
    this.#log.info(
      `executor ${String(ready['label'])}, in ${describePython(opened.interpreter, opened.version)}, with coda_node: ${String(ready['coda_node'])}`,
      { pid: opened.host.pid },
    );
    const { cancelGraceSec, heartbeatIntervalSec } = this.#node.settings;
    this.#executor = new PythonExecutor({
      first,
      again: async () => this.#init(await this.#open(opened.interpreter), reference, settings),
      runs: this.#runs,
      cancelGraceMs: cancelGraceSec * 1000,
      edgesEveryMs: Math.min((heartbeatIntervalSec * 1000) / 2, LONGEST_EDGES_MS),
      log: this.#log,
    });
    return this.#executor;
  }

  async #init(
    opened: Opened,
    { label, python: factory }: PythonReference,
    settings: Settings,
  ): Promise<Ready> {
    const head = { t: 'init', factory, settings: pythonSettings(settings, factory), node: nodeProcess() };
    return { host: opened.host, ready: await this.#ask(opened, label, head, 'ready') };
  }

  /** Its answer; throws an ExecutorError if it is `failed_start`, or if the process dies, and then ends the process. */
  async #ask(
    { host, interpreter, version }: Opened,
    label: string,
    head: Parameters<PythonHost['control']>[0],
    kind: string,
  ): ReturnType<PythonHost['request']> {
    const python = describePython(interpreter, version);
    const answer = await host.request(head, kind, 'failed_start').catch((thrown: unknown) => {
      throw new ExecutorError(`${label} cannot be loaded: ${python} ${messageOf(thrown)}`, {
        remedy: 'Importing the module, or making the executor, ends the process. Try it in Python alone.',
      });
    });
    if (answer.t === kind) return answer;
    if (typeof answer['traceback'] === 'string') {
      for (const line of answer['traceback'].split('\n')) host.output.line(line);
    }
    await host.close();
    throw startFailure(label, python, answer);
  }
}

function textOf({ message }: CodaError): string {
  return message.split('\n  → ')[0] ?? message;
}
