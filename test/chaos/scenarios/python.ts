// An executor in Python: its process, the node, or both are killed many times, at random moments.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { PYTHON } from '../../plugins/python/drivers.ts';
import { jobIdOf } from '../ledger.ts';
import { scenario, Skip } from '../scenario.ts';
import type { World } from '../world.ts';

const LONGEST_LATER_MS = 15;

/** Of a driver that imports os and time: notes what happens to a job in the ledger. */
export const NOTE = `LEDGER = os.open(os.environ["CHAOS_LEDGER"], os.O_WRONLY | os.O_APPEND)
LIFE = "{}/{}".format(os.environ["CHAOS_LIFE"], os.getpid())

def note(what, job):
    os.write(LEDGER, "{} {} {} {}\\n".format(what, job, LIFE, time.monotonic_ns() / 1e6).encode())`;

/** As executor.ts of this folder. It knows the job by the hash in its circuit: a Python executor gets no job id. */
const DRIVER = `
import asyncio, os, random, time
from coda_node.server.executor import ExecutionResult

${NOTE}

class Rig:
    async def run(self, ir, shots):
        job = ir.metadata.source_hash
        note("start", job)
        await asyncio.sleep(int(job.split("~")[1]) / 1000)
        note("end", job)
        zeros = random.randint(0, shots)
        return ExecutionResult(counts={"00": zeros, "11": shots - zeros}, execution_time_ms=1.0, shots_completed=shots)

def create_executor():
    return Rig()
`;

export const python = scenario({
  name: 'python',
  promise: 'the Python process, the node or both are killed: nothing lost, no process left behind',
  long: { jobs: 1_000, kills: 200 },
  short: { jobs: 50, kills: 8 },
  async play(world, { jobs, kills }) {
    if (PYTHON === undefined) throw new Skip('there is no Python 3.9 or newer on this machine');
    const { ledger, random } = world;
    writeFileSync(join(world.folder, 'chaos_rig.py'), DRIVER);
    const node = await world.startNode('node', {
      CODA_EXECUTOR_FACTORY: 'chaos_rig:create_executor',
      CODA_PYTHON: PYTHON,
      // By chance, one job may be on the device at many kills.
      CODA_MAX_DELIVERIES: '1000',
    });
    await submitMany(world, jobs);

    const killed = { python: 0, node: 0, both: 0 };
    for (let kill = 1; kill <= kills; kill++) {
      const share = Math.max(1, Math.floor(world.unfinished.length / (kills - kill + 1)));
      const runs = ledger.read().runs.length + random.between(1, 2 * share);
      const progressed = (): boolean => ledger.read().runs.length >= runs || world.unfinished.length === 0;
      // If a job was lost there may be no further runs; the checks below report it.
      if ((await waitUntil('further runs', progressed).catch(() => undefined)) === undefined) break;
      await sleep(random.between(0, LONGEST_LATER_MS));
      const what = random.pick(['python', 'node', 'both'] as const);
      killed[what] += 1;
      if (what !== 'node') for (const pid of hostsOf(world)) killIfThere(pid);
      if (what === 'python') continue;
      await node.kill();
      node.start();
    }
    await world.allDelivered(120_000);

    const twice = world.jobs.filter((jobId) => {
      const lives = ledger.runsOf(jobId).map(({ life }) => life);
      return new Set(lives).size < lives.length;
    });
    world.promise(twice.length === 0, `${twice.length} jobs ran twice in one Python process: ${twice[0]}`);
    world.checkCompleted();
    world.checkCloud();
    await node.kill();
    const isClean = await waitUntil('the end of every process', () => processesOf(world).length === 0).catch(
      () => false,
    );
    world.promise(isClean, `processes that are left: ${processesOf(world).join(', ')}`);
    Object.assign(world.figures, {
      jobs,
      'kills of Python': killed.python,
      'of the node': killed.node,
      'of both': killed.both,
      lost: world.unfinished.length,
      'runs cut off': ledger.runs.filter(({ endedAt }) => endedAt === undefined).length,
    });
  },
});

async function submitMany({ cloud, jobs, random }: World, count: number): Promise<void> {
  const { ir } = bell('cz');
  for (let i = 1; i <= count; i++) {
    const jobId = jobIdOf(`job-${i}`, random.between(1, 20));
    jobs.push(jobId);
    await cloud.submit({
      jobId,
      ir: { ...ir, metadata: { ...ir.metadata, source_hash: jobId } },
      shots: 1_000_000,
    });
  }
}

/** Processes with the ledger of this world in their environment, Python's and what it has started. */
export function processesOf({ ledger }: World): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .filter(
      (pid) =>
        procText(pid, 'environ').includes(`CHAOS_LEDGER=${ledger.path}\0`) &&
        !/\) Z /.test(procText(pid, 'stat')),
    );
}

function hostsOf(world: World): number[] {
  const isHost = (pid: number): boolean => procText(pid, 'cmdline').includes('python/host.py');
  // Its guard looks the same, and is a child of nobody here.
  return processesOf(world).filter((pid) => isHost(pid) && procText(pid, 'stat').split(' ')[3] !== '1');
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

function procText(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
