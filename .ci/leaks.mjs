// A test file fails if something is still active once all its tests and hooks have run: a node, a connection, a timer,
// a child process. It would keep the process alive until the time-out, or hide a fault of what should have closed it.
// Loaded with --import into every process of the run; only those that run a test file check anything.
import { AsyncResource } from 'node:async_hooks';
import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after } from 'node:test';

/** What closes does so within a few turns of the event loop; a process that was killed takes a little longer. */
const PATIENCE_MS = 1_000;

const NAMES = {
  TCPServerWrap: 'a server',
  TCPSocketWrap: 'a connection',
  TLSWrap: 'a TLS connection',
  Timeout: 'a timer',
  Immediate: 'an immediate',
  ProcessWrap: 'a child process',
  PipeWrap: 'a pipe',
};

if (process.env.NODE_TEST_CONTEXT !== undefined && /\.test\.m?js$/.test(process.argv[1] ?? '')) {
  const outside = new AsyncResource('leaks');
  // Hooks run in the order in which they were added. This one is the first and adds the check, which is then the last.
  after(() => outside.runInAsyncScope(() => after(check)));
}

async function check() {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (let kinds = leaked(); kinds.length > 0; kinds = leaked()) {
    if (performance.now() > giveUpAt) throw failure(kinds);
    await sleep(20, undefined, { ref: false });
  }
}

function failure(kinds) {
  // What was left behind would keep the process alive. Before this, the runner reports the error.
  setTimeout(() => process.exit(1), 100);
  const stack = `left behind by the tests of ${relative('.', process.argv[1])}: ${counted(kinds)}`;
  return Object.assign(new Error(stack), { stack });
}

/** The kinds of everything active, without the process's own streams. */
function leaked() {
  const active = process.getActiveResourcesInfo();
  const own = { PipeWrap: 3, TTYWrap: 3 };
  return active.filter((kind) => {
    own[kind] = (own[kind] ?? 0) - 1;
    return own[kind] < 0;
  });
}

function counted(kinds) {
  const counts = new Map();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts]
    .map(([kind, count]) => `${NAMES[kind] ?? kind}${count > 1 ? ` (${count} of them)` : ''}`)
    .join(', ');
}
