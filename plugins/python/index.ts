// Executors in Python: packages that were written for the Python coda-node run as they are. See docs/python.md.
import type { CodaNode, Plugin } from '../../src/index.ts';
import { PYTHON_EXECUTORS } from '../../src/kit.ts';
import type { PythonRoom } from './room.ts';

const DOWN_REMEDY =
  'The node starts it again by itself. Its last lines are in the log; try the executor alone with coda run.';
const BLOCKED_REMEDY =
  'A cancel takes effect only when it returns. Its stack is in the log; the driver should wait with await, or call asyncio.to_thread. CODA_JOB_TIMEOUT_SEC ends a run that hangs.';

/** Runs executors in Python, each in one child process. */
export function python(): Plugin {
  return {
    name: 'python',
    apply(node) {
      let room: PythonRoom | undefined;
      // Loaded only by nodes that ask for Python.
      const open = async (): Promise<PythonRoom> => {
        const { PythonRoom: Room } = await import('./room.ts');
        return (room ??= new Room(node));
      };
      node.services.provide(PYTHON_EXECUTORS, {
        load: async (reference) => (await open()).load(reference),
        loadIfThere: async (reference) => (await open()).loadIfThere(reference),
        installed: async () => (await open()).installed(),
      });
      node.hooks.start.tapPromise('python', async () => {
        await room?.closeUnused();
        if (room?.executor !== undefined) holdJobsWhileDown(node, room);
      });
      node.hooks.readiness.tap('python', (report) => {
        const trouble = room?.executor?.trouble;
        if (trouble !== undefined) report.trouble(trouble, BLOCKED_REMEDY);
      });
    },
  };
}

/** No job is started, or taken from other nodes, while there is no process to run it. */
function holdJobsWhileDown(node: CodaNode, room: PythonRoom): void {
  const { executor } = room;
  if (executor === undefined) return;
  const { admission } = node.jobs;
  const update = (): void => {
    if (executor.down === undefined) admission.open('python');
    else admission.close('python', executor.down, DOWN_REMEDY);
  };
  executor.onChange = update;
  update();
}
