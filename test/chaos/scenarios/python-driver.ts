// A Python driver that its author wrote from the documents, with everything that drivers do: it fails, dies, hangs, starves,
// blocks, prints, forks, and gets large circuits, among many ordinary jobs.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import type { WebhookBody } from '../../../src/protocol/webhook.ts';
import { PYTHON } from '../../plugins/python/drivers.ts';
import { scenario, Skip } from '../scenario.ts';
import type { World } from '../world.ts';
import { NOTE, processesOf } from './python.ts';

const SHOTS = 1000;
const TIMEOUT_SEC = 3;

/** What a job does is at the end of its source hash: `job-7~fork`. */
const DRIVER = `
import asyncio, ctypes, os, resource, signal, subprocess, sys, time
from coda_node.errors import ExecutorError
from coda_node.server.executor import ExecutionResult

${NOTE}

class FieldQpu:
    def __init__(self, num_qubits):
        self.num_qubits = num_qubits
        self.hoard = []

    async def run(self, ir, shots):
        job = ir.metadata.source_hash
        note("start", job)
        await getattr(self, job.split("~")[1])(ir)
        note("end", job)
        return ExecutionResult(counts={"00": shots}, execution_time_ms=1.0, shots_completed=shots)

    async def ok(self, ir):
        assert ir.num_qubits <= self.num_qubits

    async def fail(self, ir):
        raise ExecutorError("the laser is off")

    async def leave(self, ir):
        os._exit(3)

    async def crash(self, ir):
        ctypes.string_at(0)

    async def starve(self, ir):
        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), resource.RLIM_INFINITY))
        while True:
            self.hoard.append(bytearray(1 << 16))

    async def hang(self, ir):
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass

    async def block(self, ir):
        time.sleep(3600)

    async def hold(self, ir):
        ctypes.PyDLL(None).sleep(3600)

    async def shout(self, ir):
        for _ in range(20000):
            print("x" * 100)
            os.write(2, b"y" * 100 + b"\\n")

    async def fork(self, ir):
        if os.fork() == 0:
            time.sleep(3600)
        subprocess.Popen(["sleep", "3600"])
        await asyncio.to_thread(subprocess.run, ["true"], check=True)

    async def large(self, ir):
        assert len(ir.gates) == int(os.environ["CHAOS_GATES"]), len(ir.gates)

    async def wait(self, ir):
        await asyncio.sleep(3600)

def create_executor(settings):
    return FieldQpu(settings.num_qubits)
`;

const COMPLETED = { counts: { '00': SHOTS } };
const gaveUp = (how: string): RegExp => new RegExp(`started 3 times without an outcome.*${how}`);
/** What a job does, how it must end, and whether it is part of the short form. */
const KINDS: Readonly<Record<string, readonly [end: typeof COMPLETED | RegExp, isShort: boolean]>> = {
  fail: [/^the laser is off$/, true],
  leave: [gaveUp('exit code 3'), true],
  crash: [gaveUp('SIGSEGV'), true],
  starve: [gaveUp('ran out of memory'), true],
  hang: [new RegExp(`^timed out after ${TIMEOUT_SEC} s$`), true],
  block: [new RegExp(`^timed out after ${TIMEOUT_SEC} s$`), false],
  hold: [new RegExp(`^timed out after ${TIMEOUT_SEC} s$`), false],
  shout: [COMPLETED, true],
  fork: [COMPLETED, true],
  large: [COMPLETED, true],
};

export const pythonDriver = scenario({
  name: 'python-driver',
  promise:
    'a Python driver fails, dies, hangs and starves: each job gets its own outcome, no process is left behind',
  long: { jobs: 5_000, each: 10, gates: 100_000 },
  short: { jobs: 200, each: 1, gates: 20_000 },
  async play(world, { jobs, each, gates }) {
    if (PYTHON === undefined) throw new Skip('there is no Python 3.9 or newer on this machine');
    const { cloud, ledger, random } = world;
    mkdirSync(join(world.folder, 'field_qpu'));
    writeFileSync(join(world.folder, 'field_qpu', '__init__.py'), '');
    writeFileSync(join(world.folder, 'field_qpu', 'executor_factory.py'), DRIVER);
    const node = await world.startNode('node', {
      CODA_EXECUTOR_FACTORY: 'field_qpu.executor_factory:create_executor',
      CODA_PYTHON: PYTHON,
      CODA_JOB_TIMEOUT_SEC: String(TIMEOUT_SEC),
      CODA_CANCEL_GRACE_SEC: '0.2',
      CHAOS_GATES: String(gates),
    });

    const isLong = each > 1;
    const odd = Object.entries(KINDS)
      .filter(([, [, isShort]]) => isShort || isLong)
      .flatMap(([kind]) => Array.from({ length: each }, () => kind));
    const kinds: string[] = Array.from({ length: jobs - odd.length }, () => 'ok');
    for (const kind of odd) kinds.splice(random.between(0, kinds.length), 0, kind);
    const waiting: string[] = [];
    for (const [index, kind] of kinds.entries()) {
      world.jobs.push(await submit(world, `job-${index}~${kind}`, kind === 'large' ? gates : 2));
    }
    for (let i = 0; i < each; i += 1) {
      const jobId = await submit(world, `cancelled-${i}~wait`, 2);
      waiting.push(jobId);
      await waitUntil('the run', () => ledger.read().runsOf(jobId).length > 0, { timeoutMs: 600_000 });
      await cloud.cancel(jobId);
      await cloud.whenState(jobId, 'cancelled');
    }
    await world.allDelivered(600_000);

    const wrong = world.jobs.flatMap((jobId) => faultOf(jobId, cloud.results.get(jobId)) ?? []);
    world.promise(wrong.length === 0, `${wrong.length} outcomes are wrong, such as ${wrong[0]}`);
    const cancelled = waiting.filter((jobId) => !cloud.results.has(jobId)).length;
    world.promise(cancelled === each, `${each - cancelled} cancelled jobs were reported`);
    world.checkCloud();
    await node.kill();
    const isClean = await waitUntil('the end of every process', () => processesOf(world).length === 0).catch(
      () => false,
    );
    world.promise(isClean, `processes that are left: ${processesOf(world).join(', ')}`);
    Object.assign(world.figures, {
      jobs: world.jobs.length,
      'that kill the process': ['leave', 'crash', 'starve'].length * each,
      'that hang': odd.filter((kind) => ['hang', 'block', 'hold'].includes(kind)).length,
      cancelled,
      [`of ${gates} gates`]: each,
      lost: world.unfinished.length,
    });
  },
});

async function submit({ cloud }: World, jobId: string, gates: number): Promise<string> {
  const { ir } = bell('cz');
  const [gate] = ir.gates;
  if (gate === undefined) throw new Error('the circuit has no gate');
  const all = gates === 2 ? ir.gates : Array.from({ length: gates }, () => gate);
  return cloud.submit({
    jobId,
    ir: { ...ir, gates: all, metadata: { ...ir.metadata, source_hash: jobId } },
    shots: SHOTS,
  });
}

/** What is wrong with the outcome of a job, if anything. A missing one is reported elsewhere. */
function faultOf(jobId: string, body: WebhookBody | undefined): string | undefined {
  const [end = COMPLETED] = KINDS[jobId.split('~')[1] ?? ''] ?? [];
  if (body === undefined) return undefined;
  const isRight =
    end instanceof RegExp
      ? body.status === 'failed' && end.test(body.error)
      : body.status === 'completed' && body.counts['00'] === SHOTS;
  return isRight ? undefined : `${jobId}: ${JSON.stringify(body)}`;
}
