// What keeps this process alive, and what an executor has added to it.

/** Kinds of resources that Node names after its own classes; streams to whoever started this process are left out. */
const KINDS: ReadonlyMap<string, readonly [one: string, several: string]> = new Map([
  ['ProcessWrap', ['child process', 'child processes']],
  ['TCPServerWrap', ['server', 'servers']],
  ['TCPSocketWrap', ['connection', 'connections']],
  ['Timeout', ['timer', 'timers']],
  ['MessagePort', ['worker', 'workers']],
]);

/** From now on: what is open in addition, such as `1 timer, 2 connections`; empty if nothing is. */
export function watchOpen(): () => string {
  const before = open();
  return () =>
    [...open()]
      .map(([kind, count]) => [kind, count - (before.get(kind) ?? 0)] as const)
      .filter(([, count]) => count > 0)
      .map(([kind, count]) => `${count} ${KINDS.get(kind)?.[count === 1 ? 0 : 1] ?? kind}`)
      .join(', ');
}

function open(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) {
    if (KINDS.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
