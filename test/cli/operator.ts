// What the tests of the operator's commands share: a folder with a state directory, and the commands that run in it.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil, type LocalCloud } from '../../src/testing/index.ts';
import { coda, type CodaProcess } from './process.ts';

/** Ends a run when the file `go` appears beside it. */
const HELD_EXECUTOR = `
import { existsSync } from 'node:fs';
import { defineConfig, type Executor } from 'coda-node';

const executor: Executor = {
  async run(ir, shots) {
    while (!existsSync(new URL('./go', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 5));
    return { counts: { '00': shots }, executionTimeMs: 1, shotsCompleted: shots };
  },
};
export default defineConfig({ executor: () => executor });
`;

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** An operator's folder. Everything that runs there is ended by `clear`. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'coda-operator-'));
  readonly stateDir = join(this.folder, 'state');
  readonly outputs: string[] = [];
  readonly #cloud: Pick<LocalCloud, 'url'>;
  readonly #processes: CodaProcess[] = [];

  constructor(cloud: Pick<LocalCloud, 'url'>) {
    this.#cloud = cloud;
  }

  get log(): string {
    return readFileSync(join(this.stateDir, 'coda-node.log'), 'utf8');
  }

  /** The PID file's first line. */
  get pid(): number {
    return Number(readFileSync(join(this.stateDir, 'coda-node.pid'), 'utf8').split('\n')[0]);
  }

  spawn(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    under: readonly string[] = [],
    isTold = false,
  ): CodaProcess {
    const started = coda(args, {
      cwd: this.folder,
      under,
      isTold,
      env: {
        CODA_WEBAPP_URL: this.#cloud.url,
        CODA_STATE_DIR: this.stateDir,
        CODA_HOST: '127.0.0.1',
        CODA_PORT: '0',
        ...env,
      },
    });
    this.#processes.push(started);
    return started;
  }

  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const started = this.spawn(args, env);
    const code = await started.ended;
    this.outputs.push(started.output());
    return { code, output: started.output() };
  }

  /** Runs a command that must end with `code`, and returns its output. */
  async ends(
    code: number,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const ended = await this.run(args, env);
    assert.equal(ended.code, code, ended.output);
    return ended.output;
  }

  /** Has every node that starts here hold its runs until `endRuns`. */
  holdRuns(): void {
    rmSync(join(this.folder, 'go'), { force: true });
    writeFileSync(join(this.folder, 'coda.config.ts'), HELD_EXECUTOR);
  }

  endRuns(): void {
    writeFileSync(join(this.folder, 'go'), '');
  }

  async clear(): Promise<void> {
    // A node that still has its connections would be given the jobs of the next test.
    await Promise.all(this.#processes.map(({ child }) => killed(child)));
    const lock = join(this.stateDir, 'coda-node-spool', 'lock');
    const [first = '', , namespace] = readOr(lock, '').split(' ');
    // The number of a process in another PID namespace means another process here.
    const isElsewhere = namespace?.startsWith('pid:') && namespace !== readlinkSync('/proc/self/ns/pid');
    const pid = isElsewhere ? 0 : Number(first);
    if (pid > 0 && pid !== process.pid && readOr(`/proc/${pid}/cmdline`, '').startsWith('coda-node')) {
      process.kill(pid, 'SIGKILL');
    }
    if (pid > 0 && pid !== process.pid) await waitUntil('the end of the node', () => hasEnded(pid));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Resolves once the process has ended, with all its threads and open files. */
async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await once(child, 'exit');
}

export function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  // An orphan whose new parent does not ask for its exit code. Its files are open as long as it has other threads.
  if (!/ Z /.test(readOr(`/proc/${pid}/stat`, ''))) return false;
  try {
    return readdirSync(`/proc/${pid}/task`).length <= 1;
  } catch {
    return true;
  }
}

export function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
