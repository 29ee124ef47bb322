// A node under test: a real process of the real command, restarted many times with one state directory.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { journalPath, nodeFolder } from '../../src/state/layout.ts';
import { coda, type CodaProcess } from '../cli/process.ts';
import { readRecords } from '../support/journal.ts';
import { now } from './ledger.ts';

export interface NodeProcessOptions {
  /** Also the first part of the name of each of its lives. */
  readonly name: string;
  readonly folder: string;
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What `GET /ready` says. */
export interface Ready {
  readonly status: number;
  readonly reasons: readonly string[];
}

/** The header of a request that names the life of the node that made it. */
export const LIFE_HEADER = 'x-chaos-life';

export class NodeProcess {
  readonly stateDir: string;
  /** When each life was ended, in milliseconds of the shared clock. After that it cannot have done anything. */
  readonly deaths = new Map<string, number>();
  readonly #options: NodeProcessOptions;
  #process: CodaProcess | undefined;
  #lives = 0;

  constructor(options: NodeProcessOptions) {
    this.#options = options;
    this.stateDir = options.stateDir;
  }

  /** `name#n`, n counting from 1. */
  get life(): string {
    return `${this.#options.name}#${this.#lives}`;
  }

  get output(): string {
    return this.#process?.output() ?? '';
  }

  /** Spawns the node; with a token if it has no credentials yet. */
  start(token?: string): void {
    const { folder, stateDir, env } = this.#options;
    this.#lives += 1;
    this.#process = coda(['start', ...(token === undefined ? [] : ['--token', token])], {
      cwd: folder,
      env: {
        CODA_HOST: '127.0.0.1',
        CODA_PORT: '0',
        CODA_STATE_DIR: stateDir,
        CODA_EXECUTOR_FACTORY: `${join(import.meta.dirname, 'executor.js')}:createExecutor`,
        CHAOS_LIFE: this.life,
        // The cloud may read a request long after the process that made it has ended.
        CODA_NODE_CONNECT_HEADERS: JSON.stringify({ [LIFE_HEADER]: this.life }),
        ...env,
      },
    });
  }

  async serving(): Promise<void> {
    const { says, ended, output } = this.#running();
    const failed = ended.then(() => {
      throw new Error(`the node ended while it started:\n${output()}`);
    });
    await Promise.race([says('serving QPU'), failed]);
  }

  /** kill -9; resolves when the process is gone. */
  async kill(): Promise<void> {
    if (this.#process !== undefined) await this.#end('SIGKILL');
  }

  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  signal(signal: NodeJS.Signals): void {
    this.#running().child.kill(signal);
  }

  /** Of its health server; undefined before it listens. */
  get url(): string | undefined {
    const [, url] = /listening on (http:\S+)/.exec(this.output) ?? [];
    return url;
  }

  /** Undefined without an answer. */
  async ready(): Promise<Ready | undefined> {
    const { url } = this;
    if (url === undefined) return undefined;
    try {
      const answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(5_000) });
      const { reasons } = (await answer.json()) as { reasons: string[] };
      return { status: answer.status, reasons };
    } catch {
      return undefined;
    }
  }

  /** The jobs whose outcome is in the journal, delivered or not. */
  async savedJobs(): Promise<Set<string>> {
    const path = journalPath(nodeFolder(this.stateDir));
    const { records } = await readRecords(readFileSync(path), path);
    return new Set(
      (records as readonly object[] as { t: string; jobId: string }[])
        .filter(({ t }) => t === 'outcome')
        .map(({ jobId }) => jobId),
    );
  }

  /** Resident memory in MiB; undefined without /proc. */
  rssMb(): number | undefined {
    const [, kb] = /VmRSS:\s+(\d+) kB/.exec(this.#proc('status') ?? '') ?? [];
    return kb === undefined ? undefined : Number(kb) / 1024;
  }

  /** Open file descriptors; undefined without /proc. */
  fds(): number | undefined {
    try {
      return readdirSync(`/proc/${this.#process?.child.pid}/fd`).length;
    } catch {
      return undefined;
    }
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const running = this.#running();
    if (signal === 'SIGKILL') this.deaths.set(this.life, now());
    running.child.kill(signal);
    const code = await running.ended;
    if (signal === 'SIGTERM') this.deaths.set(this.life, now());
    return code;
  }

  #running(): CodaProcess {
    if (this.#process === undefined) throw new Error(`the node ${this.#options.name} was never started`);
    return this.#process;
  }

  #proc(file: string): string | undefined {
    try {
      return readFileSync(`/proc/${this.#process?.child.pid}/${file}`, 'utf8');
    } catch {
      return undefined;
    }
  }
}
