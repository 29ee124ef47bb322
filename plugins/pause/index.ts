// Keeps the node from taking jobs while the operator has paused it: `coda pause`, `coda resume`.
// Heartbeats and deliveries go on; the job that runs may end.
import { messageOf, readPause, type CodaNode, type Pause, type Plugin } from '../../src/index.ts';

/** A file a glance: cheaper than watching the folder, in which every job leaves its mark. */
const LOOK_EVERY_MS = 500;

/** Closes the admission while the file of the pause is there. */
export function pause(): Plugin {
  return {
    name: 'pause',
    apply(node) {
      let current: Pause | undefined;
      node.hooks.readiness.tap('pause', (report) => {
        if (current !== undefined) report.add('paused', current);
      });
      // Before the first job is read.
      node.hooks.start.tapPromise('pause', async () => {
        current = follow(node, current, await readPause(node.settings.stateDir));
        let isLooking = false;
        const timer = setInterval(() => {
          if (isLooking) return;
          isLooking = true;
          readPause(node.settings.stateDir)
            .then((found) => (current = follow(node, current, found)))
            .catch((thrown: unknown) => node.log.child('pause').warn(messageOf(thrown)))
            .finally(() => (isLooking = false));
        }, LOOK_EVERY_MS);
        node.onClose('pause', () => clearInterval(timer));
      });
    },
  };
}

/** Brings admission and log up to what was found, and returns that. */
function follow(node: CodaNode, current: Pause | undefined, found: Pause | undefined): Pause | undefined {
  const log = node.log.child('pause');
  if (found !== undefined && found.since === current?.since && found.reason === current.reason) return found;
  if (found !== undefined) {
    const reason = `paused by the operator${found.reason === null ? '' : `: ${found.reason}`}`;
    node.jobs.admission.close('pause', reason);
    log.warn(`${reason}; no job is taken until coda resume`);
  } else if (current !== undefined) {
    log.info('resumed by the operator');
    node.jobs.admission.open('pause');
  }
  return found;
}
