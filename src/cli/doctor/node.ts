// The node that runs here: is it ready, and what does it say is wrong?
import { MORE_FILES_REMEDY } from '../../errors.ts';
import { descriptorsOf, descriptorsText, isExhausted } from '../../state/descriptors.ts';
import { troublesOf } from '../local-node/live.ts';
import { failure, ok, warning, type Check, type DoctorContext, type Finding } from './finding.ts';

const check = 'node state';

export const checkRunningNode: Check = ({ node, live }) => {
  if (node === undefined) return [];
  const files = node.elsewhere === undefined ? checkDescriptors(node.pid) : [];
  // What follows from it is no trouble of its own.
  if (live === undefined && files.some(({ level }) => level !== 'ok')) return files;
  return [...checkReadiness(node, live), ...files];
};

function checkDescriptors(pid: number): Finding[] {
  const found = descriptorsOf(pid);
  if (found === undefined) return [];
  const text = descriptorsText(found);
  return isExhausted(found)
    ? [failure(check, `the node (PID ${pid}) may open no more files: ${text}`, MORE_FILES_REMEDY)]
    : [ok(check, text)];
}

function checkReadiness(node: NonNullable<DoctorContext['node']>, live: DoctorContext['live']): Finding[] {
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
}
