// Keeps the node from taking jobs while the operator has paused it (`coda pause`, `coda resume`).
// Heartbeats and deliveries continue, and the running job may finish.
import { messageOf, type CodaNode, type Plugin } from '../../src/index.ts';
import { readPause, type Pause } from '../../src/kit.ts';

/** Reading one file is cheaper than watching its folder, in which every job writes. */
const READ_EVERY_MS = 500;
/** Whose reason it is if nobody can know whether there is a pause. */
const UNKNOWN = 'pause, which cannot be seen';

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
        const look = async (): Promise<void> => {
          try {
            current = follow(node, current, await readPause(node.settings.stateDir));
            node.jobs.admission.open(UNKNOWN);
          } catch (thrown) {
            // It is not called a pause, and a pause that was known stays.
            const [text = '', remedy] = messageOf(thrown).split('\n  → ');
            node.jobs.admission.close(UNKNOWN, `no job is taken: ${text}`, remedy);
          }
        };
        await look();
        let isReading = false;
        const timer = setInterval(() => {
          if (isReading) return;
          isReading = true;
          void look().finally(() => (isReading = false));
        }, READ_EVERY_MS);
        node.onClose('pause', () => clearInterval(timer));
      });
    },
  };
}

/** Opens or closes the admission, and logs it, if the pause has changed; returns the new pause. */
function follow(node: CodaNode, current: Pause | undefined, found: Pause | undefined): Pause | undefined {
  const log = node.log;
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
