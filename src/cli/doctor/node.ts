// The node that runs here: is it ready, and what does it say is wrong?
import { troublesOf } from '../local-node/live.ts';
import { failure, ok, warning, type Check } from './finding.ts';

const check = 'node state';

export const checkRunningNode: Check = ({ node, live }) => {
  if (node === undefined) return [];
  if (live === undefined) {
    // Without the plugin `health` there is nobody to ask.
    if (node.presence?.address === null) return [];
    return [
      failure(
        check,
        `the node (PID ${node.pid}) runs, and does not answer`,
        'Look at coda logs. If it stays so, restart it: coda stop, coda start.',
      ),
    ];
  }
  const troubles = troublesOf(live);
  const found = troubles.map(({ text, remedy, blocks }) =>
    (blocks ? failure : warning)(check, text, remedy ?? 'See coda logs.'),
  );
  if (live['ready'] === true) return found.length > 0 ? found : [ok(check, 'the running node is ready')];
  return troubles.some(({ blocks }) => blocks)
    ? found
    : [...found, failure(check, 'the running node is not ready', 'See coda status and coda logs.')];
};
