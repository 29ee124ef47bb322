// The processes that are measured: this node as users install it, the bare loops, and the Python original if found.
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from './clock.ts';
import { ROOT } from './package.ts';

export type SubjectName = 'node' | 'bare' | 'original';
export type ExecutorName = 'createNoop' | 'createBatch' | 'createTimed' | 'createEndless';
export type BareLoop = 'pipelined' | 'sequential' | 'push';

const SUBJECTS = join(import.meta.dirname, '..', 'subjects');
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 60_000;

export interface Launch {
  readonly name: SubjectName;
  /** The file behind the command `coda` of the installed package. */
  readonly coda: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly executor: ExecutorName | null;
  readonly bareLoop: BareLoop;
  /** The interpreter of the original. */
  readonly python: string | undefined;
  /** How often to ask whether it is ready. */
  readonly askEveryMs?: number;
}

export class Subject {
  readonly startedAt: number;
  readonly port: number;
  readonly #launch: Launch;
  readonly #child: ChildProcess;
  readonly #said: Promise<unknown>;
  readonly #end = (): void => void this.#child.kill('SIGKILL');
  #hasEnded = false;
  /** Rejects if the process ends before `stop` or `kill`. */
  readonly died: Promise<never>;
  readonly #exit: Promise<void>;
  #stopping = false;

  private constructor(launch: Launch, port: number) {
    this.#launch = launch;
    this.port = port;
    const { folder, name } = launch;
    const output = openSync(join(folder, 'output.log'), 'a');
    const [command = '', ...args] = commandOf(launch);
    this.startedAt = now();
    this.#child = spawn(command, args, {
      cwd: folder,
      env: envOf(launch, port),
      // Output goes to a file: reading it here would cost time.
      stdio: ['ignore', output, output, ...(name === 'bare' ? ['ipc' as const] : [])],
    });
    closeSync(output);
    process.on('exit', this.#end);
    this.#said = new Promise((resolve) => this.#child.once('message', resolve));
    this.#exit = new Promise((resolve) => {
      this.#child.once('error', () => resolve());
      this.#child.once('exit', () => resolve());
    });
    this.died = this.#exit.then(() => {
      this.#hasEnded = true;
      if (this.#stopping) return new Promise<never>(() => {});
      throw new Error(`${name} has ended:\n${this.output().slice(-2000)}`);
    });
    this.died.catch(() => {});
  }

  static async start(launch: Launch): Promise<Subject> {
    return new Subject(launch, await freePort());
  }

  get pid(): number {
    return this.#child.pid ?? NaN;
  }

  output(): string {
    return readFileSync(join(this.#launch.folder, 'output.log'), 'utf8');
  }

  /** Resolves when it takes jobs, with the milliseconds since its start. */
  async ready(): Promise<number> {
    if (this.#launch.name === 'bare') await Promise.race([this.#said, this.died]);
    else await Promise.race([this.#answersReady(), this.died]);
    return now() - this.startedAt;
  }

  /** Ends it as an operator does. If it does not end in time, kills it and throws. */
  async stop(): Promise<void> {
    this.#stopping = true;
    process.off('exit', this.#end);
    if (this.#hasEnded) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exit;
    clearTimeout(timer);
    if (this.#child.signalCode === 'SIGKILL') throw new Error(`${this.#launch.name} did not stop in time`);
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.#stopping = true;
    process.off('exit', this.#end);
    this.#child.kill('SIGKILL');
    if (!this.#hasEnded) await this.#exit;
  }

  async #answersReady(): Promise<void> {
    const giveUpAt = now() + READY_TIMEOUT_MS;
    while ((await statusOf(this.port, '/ready')) !== 200) {
      if (now() > giveUpAt)
        throw new Error(`${this.#launch.name} is not ready:\n${this.output().slice(-2000)}`);
      await sleep(this.#launch.askEveryMs ?? 20);
    }
  }
}

/** The HTTP status of a GET; undefined without an answer. */
export function statusOf(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get({ port, host: '127.0.0.1', path, agent: false, timeout: 5_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });
}

/** The interpreter of an installed Python original: named in CODA_BENCH_ORIGINAL, or that of `coda-node` on PATH. */
export function findOriginal(env: NodeJS.ProcessEnv): string | undefined {
  const named = env['CODA_BENCH_ORIGINAL'];
  if (named !== undefined && named !== '') {
    accessSync(named, constants.X_OK);
    return named;
  }
  for (const folder of (env['PATH'] ?? '').split(delimiter)) {
    try {
      const [, interpreter] =
        /^#!\s*(\S*python\S*)/.exec(readFileSync(join(folder, 'coda-node'), 'latin1')) ?? [];
      if (interpreter !== undefined) return interpreter;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

function commandOf({ name, coda, bareLoop, python = 'python3' }: Launch): string[] {
  switch (name) {
    case 'node':
      return [process.execPath, coda, 'start'];
    case 'bare':
      return [process.execPath, join(SUBJECTS, `${bareLoop}.js`)];
    case 'original':
      return [python, '-c', 'from coda_node.server.cli import main; main()', 'start'];
  }
}

function envOf({ name, folder, env, executor }: Launch, port: number): NodeJS.ProcessEnv {
  const own: Readonly<Record<SubjectName, NodeJS.ProcessEnv>> = {
    node: { CODA_STATE_DIR: folder },
    bare: { BENCH_EXECUTOR: executor ?? 'createNoop' },
    original: { PYTHONPATH: dirname(originalExecutors()), PYTHONDONTWRITEBYTECODE: '1' },
  };
  const module = name === 'node' ? join(SUBJECTS, 'executors.js') : 'executors';
  return {
    PATH: process.env['PATH'],
    HOME: folder,
    TMPDIR: folder,
    CODA_HOST: '127.0.0.1',
    CODA_PORT: String(port),
    ...own[name],
    ...(executor === null || name === 'bare' ? {} : { CODA_EXECUTOR_FACTORY: `${module}:${executor}` }),
    ...env,
  };
}

/** The Python file stays with the sources: the compiler does not copy it. */
export function originalExecutors(): string {
  return join(ROOT, 'bench', 'subjects', 'executors.py');
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
