// Keeps the node from taking jobs while the operator has paused it (`coda pause`, `coda resume`).
// Heartbeats and deliveries continue, and the running job may finish.
import { messageOf, type CodaNode, type Plugin } from '../../src/index.ts';
import { readPause, type Pause } from '../../src/kit.ts';

/** Reading one file is cheaper than watching its folder, in which every job writes. */
const READ_EVERY_MS = 500;

/** Closes the admission while the pause file exists. */
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
        let isReading = false;
        const timer = setInterval(() => {
          if (isReading) return;
          isReading = true;
          readPause(node.settings.stateDir)
            .then((found) => (current = follow(node, current, found)))
            .catch((thrown: unknown) => node.log.child('pause').warn(messageOf(thrown)))
            .finally(() => (isReading = false));
        }, READ_EVERY_MS);
        node.onClose('pause', () => clearInterval(timer));
      });
    },
  };
}

/** Opens or closes the admission, and logs it, if the pause has changed; returns the new pause. */
function follow(node: CodaNode, current: Pause | undefined, found: Pause | undefined): Pause | undefined {
  const log = node.log.child('pause');
  if (found !== undefined && found.since === current?.since && found.reason === current.reason) return found;
  if (found !== undefined) {
    const reason = `paused by the operator${found.reason === null ? '' : `: ${found.reason}`}`;
    node.jobs.admission.close('pause', reason, 'No job is taken until coda resume.');
  } else if (current !== undefined) {
    log.info('resumed by the operator');
    node.jobs.admission.open('pause');
  }
  return found;
}
