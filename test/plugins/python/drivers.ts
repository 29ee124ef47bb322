// What the tests of Python executors share: a driver that does what a job's shots say, the interpreter, a node with both.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { waitUntil } from '../../../src/testing/index.ts';
import type { Bench } from '../../cli/operator.ts';
import type { CodaProcess } from '../../cli/process.ts';

/** The interpreter itself: a link or a shim may not work in another home. Undefined if there is none that will do. */
export const PYTHON = ((): string | undefined => {
  const script = 'import sys; sys.version_info >= (3, 9) and print(sys.executable)';
  const { stdout } = spawnSync('python3', ['-c', script], { encoding: 'utf8' });
  return stdout?.trim() || undefined;
})();

export const NO_PYTHON = PYTHON === undefined && 'there is no Python 3.9 or newer on this machine';

/** A driver as its author writes it: nothing of this node is in it. */
export const RIG = `
import asyncio, ctypes, os, resource, signal, sys, threading, time
from coda_node.errors import ExecutorError
from coda_node.server.executor import ExecutionResult
from coda_node.server.ir import NativeGateIR

HERE = os.path.dirname(os.path.abspath(__file__))

def note(*words):
    with open(os.path.join(HERE, "notes"), "a") as file:
        file.write(" ".join(map(str, words)) + "\\n")

class Device:
    logical_edges = [(1, 2)]

    @property
    def directed_edges(self):
        return [[0, 3]] if os.path.exists(os.path.join(HERE, "rewired")) else [(0, 1), (1, 2)]

class Rig:
    device = Device()

    def zeros(self, ir, shots):
        assert type(ir) is NativeGateIR
        return ExecutionResult(counts={"0" * len(ir.measurements): shots}, execution_time_ms=1.5, shots_completed=shots)

    async def run(self, ir, shots):
        note("run", shots, os.getpid())
        if shots == 61: raise ExecutorError("the laser is off")
        if shots == 62: os._exit(3)
        if shots == 63: ctypes.string_at(0)
        if shots == 64: await asyncio.sleep(3600)
        if shots == 65: time.sleep(3600)
        if shots == 66:
            print("hello from the driver", flush=True)
            print("and on stderr", file=sys.stderr, flush=True)
        if shots == 67: os.kill(os.getpid(), signal.SIGKILL)
        if shots == 68: ctypes.PyDLL(None).sleep(3600)
        if shots == 69:
            for n in range(200000): print("x" * 20)
        if shots == 70:
            if os.fork() == 0: time.sleep(3600)
        if shots == 71: return {"counts": [1], "execution_time_ms": 1, "shots_completed": 1}
        if shots == 72: note("secrets", *(name for name in os.environ if "TOKEN" in name or "REDIS" in name))
        if shots == 73: os.kill(os.getpid(), signal.SIGSTOP)
        if shots == 74: self.starve()
        if shots == 75:
            while True:
                try: await asyncio.sleep(3600)
                except asyncio.CancelledError: note("deaf")
        if shots == 76 and not os.path.exists(os.path.join(HERE, "fed")):
            open(os.path.join(HERE, "fed"), "w").close()
            self.starve()
        if shots == 78:
            while not os.path.exists(os.path.join(HERE, "go")): await asyncio.sleep(0.002)
        return self.zeros(ir, shots)

    def starve(self):
        """A leak: what it has allocated stays."""
        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), resource.RLIM_INFINITY))
        self.hoard = []
        while True: self.hoard.append(bytearray(1 << 16))

    def cancel_current_job(self):
        note("cancel")

class BatchRig(Rig):
    async def batch_run(self, jobs):
        note("batch", *(shots for _, shots in jobs))
        if any(shots == 62 for _, shots in jobs): os._exit(3)
        return tuple(self.zeros(ir, shots) for ir, shots in jobs)

def create_executor(settings):
    note("made", settings.native_gate_set, settings.num_qubits, settings.qpu_id, settings.redis_url or "-")
    return Rig()

ready_made = Rig()

async def create_batch():
    return BatchRig()
`;

export function put(at: Bench, name: string, text: string): void {
  mkdirSync(dirname(join(at.folder, name)), { recursive: true });
  writeFileSync(join(at.folder, name), text);
}

/** What the driver has noted, a line each. */
export function notes(at: Bench): string[] {
  try {
    return readFileSync(join(at.folder, 'notes'), 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
}

/** The environment of a node that runs the driver. */
export function rigEnv(factory = 'rig:create_executor'): Record<string, string> {
  return { CODA_EXECUTOR_FACTORY: factory, CODA_PYTHON: PYTHON ?? '' };
}

const started: CodaProcess[] = [];

/** A node that is being killed must not take the jobs of the next test. */
export async function allEnded(): Promise<void> {
  await Promise.all(started.splice(0).map(({ ended }) => ended));
}

/** A started node with the driver. */
export async function startRig(
  at: Bench,
  token: string,
  env: Readonly<Record<string, string>> = {},
): Promise<CodaProcess> {
  put(at, 'rig.py', RIG);
  const node = at.spawn(['start'], { ...rigEnv(), CODA_NODE_TOKEN: token, ...env });
  started.push(node);
  await Promise.race([
    node.says('serving QPU'),
    node.ended.then(() => {
      throw new Error(`the node ended:\n${node.output()}`);
    }),
  ]);
  return node;
}

/** Python processes that this node, or one that is dead by now, has started in this folder. */
export function pythonsIn(at: Bench): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const environ = readFileSync(`/proc/${pid}/environ`, 'utf8');
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return (
          words.includes('python/host.py') &&
          environ.includes(`CODA_STATE_DIR=${at.stateDir}`) &&
          !/\) Z /.test(stat)
        );
      } catch {
        return false;
      }
    });
}

export async function nothingIsLeft(at: Bench): Promise<void> {
  await waitUntil('the end of every Python process', () => pythonsIn(at).length === 0);
}
