// The node of the night shift: the built program, in a terminal or as a daemon, and the commands beside it.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from '../../../src/testing/index.ts';
import { hasEnded, readOr, type Ended } from '../../cli/operator.ts';
import { coda, type CodaProcess } from '../../cli/process.ts';
import type { Place } from './place.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'bundle', 'coda.cjs');
/** A command that hangs must not hang the night. */
const COMMAND_TIMEOUT_MS = 30_000;

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly message: string;
  readonly remedy?: string;
}

export class NightNode {
  readonly folder: string;
  readonly stateDir: string;
  /** Of the node and of every command. */
  readonly env: Record<string, string>;
  isDaemon = false;
  readonly #processes: CodaProcess[] = [];
  readonly #pids = new Set<number>();
  #lives = 0;
  #current: CodaProcess | undefined;
  /** How much of each text was there at the last mark. */
  #marks: number[] = [];
  #heardElsewhere = '';

  constructor(folder: string, stateDir: string, env: Record<string, string>) {
    this.folder = folder;
    this.stateDir = stateDir;
    this.env = env;
  }

  get logPath(): string {
    return join(this.stateDir, 'coda-node.log');
  }

  /** Of the node itself; 0 if none is known. */
  get pid(): number {
    if (!this.isDaemon) return this.#current?.child.pid ?? 0;
    return Number(readOr(join(this.stateDir, 'coda-node.pid'), '0').split('\n')[0]);
  }

  get isAlive(): boolean {
    const { pid } = this;
    return pid > 0 && !hasEnded(pid);
  }

  /** Spawns it; with a token unless it has credentials. */
  start(issueToken: () => string): void {
    this.#lives += 1;
    this.env['CHAOS_LIFE'] = `night#${this.#lives}`;
    const args = ['start', ...(this.isDaemon ? ['--daemon'] : []), ...this.#token(issueToken)];
    this.#current = this.#spawn(args);
  }

  /** As `start`, with standard error on a full disk. */
  startOnFullDisk(issueToken: () => string): void {
    this.#lives += 1;
    this.env['CHAOS_LIFE'] = `night#${this.#lives}`;
    this.#current = this.#shell('exec "$@" 2>/dev/full', ['start', ...this.#token(issueToken)]);
    this.#processes.push(this.#current);
  }

  /** Runs a command whose reader has closed the pipe. Returns what the command writes about that. */
  async runIntoClosedPipe(...args: string[]): Promise<string> {
    const { ended, output } = this.#shell('"$@" | :', args);
    await ended;
    return output();
  }

  /** Runs a command beside it. With `loud`, its output counts as heard. */
  async run(args: readonly string[], { loud = false } = {}): Promise<Ended> {
    const started = coda(args, { cwd: this.folder, env: this.env });
    const timer = setTimeout(() => started.child.kill('SIGKILL'), COMMAND_TIMEOUT_MS);
    const code = await started.ended;
    clearTimeout(timer);
    if (loud) this.#heardElsewhere += started.output();
    return { code, output: started.output() };
  }

  /** Runs a command that must succeed. */
  async must(...args: string[]): Promise<string> {
    const { code, output } = await this.run(args);
    if (code !== 0) throw new Error(`coda ${args.join(' ')} ended with ${code}:\n${output}`);
    return output;
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Resolves with the exit code of the process that was started: of the node, or of the command that starts the daemon. */
  async ended(timeoutMs: number): Promise<number | null> {
    const current = this.#current;
    if (current === undefined) throw new Error('the node was never started');
    let code: number | null | undefined;
    void current.ended.then((ended) => (code = ended));
    await waitUntil('the end of the process', () => code !== undefined, { timeoutMs });
    return code ?? null;
  }

  /** Resolves once `/ready` says yes. */
  async serving(timeoutMs = 30_000): Promise<void> {
    // The command that starts a daemon ends once it serves.
    if (this.isDaemon && (await this.ended(timeoutMs)) !== 0)
      throw new Error(`the daemon did not start:\n${this.heard()}`);
    await waitUntil(
      'the node being ready',
      async () => {
        if (!this.isDaemon && !this.isAlive) throw new Error(`the node ended:\n${this.heard()}`);
        return (await this.isReady()) === true;
      },
      { timeoutMs },
    );
  }

  /** Undefined if it does not answer. */
  async isReady(): Promise<boolean | undefined> {
    return (await this.#askReady())?.ready;
  }

  /** The text that a place shows now. */
  async look(place: Place): Promise<string> {
    switch (place) {
      case 'ready':
        return (await this.#askReady())?.reasons.join('\n') ?? '(no answer)';
      case 'status':
        return (await this.run(['status'])).output;
      case 'doctor':
        return this.#doctor();
      case 'log':
        return this.heard();
    }
  }

  /** Only what is heard from here on counts. */
  mark(): void {
    this.#marks = this.#texts().map((text) => text.length);
  }

  /** What was logged since the mark. */
  heard(): string {
    return this.#texts()
      .map((text, i) => {
        const from = this.#marks[i] ?? 0;
        // A log that was started again is new from its first line.
        return text.slice(from <= text.length ? from : 0);
      })
      .join('');
  }

  async close(): Promise<void> {
    if (this.isDaemon) this.#pids.add(this.pid);
    for (const { child } of this.#processes) if (child.pid !== undefined) this.#pids.add(child.pid);
    for (const pid of this.#pids) if (pid > 0 && this.#isOurs(pid)) process.kill(pid, 'SIGKILL');
    for (const { ended } of this.#processes) await ended;
  }

  /** A number may belong to somebody else by now. */
  #isOurs(pid: number): boolean {
    if (hasEnded(pid)) return false;
    if (this.#processes.some(({ child }) => child.pid === pid && child.exitCode === null)) return true;
    return readOr(`/proc/${pid}/environ`, '').includes(this.stateDir);
  }

  #texts(): string[] {
    return [
      this.#heardElsewhere,
      readOr(this.logPath, ''),
      // In this order: only the last one grows.
      ...this.#processes.map((one) => one.output()),
    ];
  }

  #token(issueToken: () => string): string[] {
    const hasCredentials = existsSync(this.stateDir) && readdirSync(this.stateDir).includes('coda.config');
    return hasCredentials ? [] : ['--token', issueToken()];
  }

  #spawn(args: readonly string[]): CodaProcess {
    const started = coda(args, { cwd: this.folder, env: this.env });
    this.#processes.push(started);
    return started;
  }

  /** The program in the shell's `"$@"`. */
  #shell(script: string, args: readonly string[]): CodaProcess {
    const child = spawn('sh', ['-c', script, 'sh', process.execPath, MAIN, ...args], {
      cwd: this.folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: this.folder, TMPDIR: this.folder, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    return { child, output: () => said, says: () => Promise.resolve(), ended };
  }

  async #askReady(): Promise<{ ready: boolean; reasons: string[] } | undefined> {
    const url = await this.#url();
    if (url === undefined) return undefined;
    try {
      const answer = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(3_000) });
      const { reasons } = (await answer.json()) as { reasons: string[] };
      return { ready: answer.status === 200, reasons };
    } catch {
      return undefined;
    }
  }

  async #url(): Promise<string | undefined> {
    const said = this.isDaemon ? readOr(this.logPath, '') : (this.#current?.output() ?? '');
    const found = [...said.matchAll(/listening on (http:\S+)/g)].at(-1)?.[1];
    if (found !== undefined) return found;
    // It may have nowhere to write to.
    if (!this.isAlive) return undefined;
    const { output } = await this.run(['status', '--json']);
    return /"url": "(http:[^"]+)"/.exec(output)?.[1];
  }

  /** What doctor finds wrong, with the remedies; its own words if that cannot be read. */
  async #doctor(): Promise<string> {
    const { output } = await this.run(['doctor', '--json']);
    try {
      const { findings } = JSON.parse(output) as { findings: Finding[] };
      const wrong = findings.filter(({ level }) => level === 'warning' || level === 'failure');
      if (wrong.length === 0) return 'all is well';
      return wrong
        .map(({ level, check, message, remedy = '' }) => `${level} ${check}: ${message} → ${remedy}`)
        .join('\n');
    } catch {
      return output;
    }
  }
}
