// Makes a test file fail that leaves something open: a node, a connection, a server, a timer, a child process. Loaded
// into the process of every test file. Without such leaks that process ends by itself after its last test; if it stays,
// and the things that are open do not change any more, this names them and ends the process.
import { after } from 'node:test';

/** Longer than any hook takes to close what its file has opened. */
const UNCHANGED_MS = 2000;
const LOOK_EVERY_MS = 50;

/** Kinds of resources that Node names after its own classes. */
const KINDS = {
  ProcessWrap: 'child process',
  TCPServerWrap: 'server',
  TCPSocketWrap: 'connection',
  Timeout: 'timer',
};

// Not in the runner itself, and not in what a test starts with the same options.
if (process.env.NODE_TEST_CONTEXT !== undefined && process.argv[1]?.endsWith('.test.js')) after(watch);

/** The hooks of the file may still be closing things: this one runs before them. */
function watch() {
  let seen = '';
  let since = 0;
  setInterval(() => {
    const open = openResources();
    if (open !== seen) [seen, since] = [open, performance.now()];
    if (open === '' || performance.now() - since < UNCHANGED_MS) return;
    process.stderr.write(`left open after the last test: ${open}\n`);
    process.exit(1);
  }, LOOK_EVERY_MS).unref();
}

/** Streams to the runner. Those of a child process are ignored too: the child itself is named. */
const STREAMS = new Set(['PipeWrap', 'TTYWrap']);

/** What keeps the process alive, by kind: `server: 1, timer: 2`. */
function openResources() {
  const counts = new Map();
  for (const name of process.getActiveResourcesInfo()) {
    if (STREAMS.has(name)) continue;
    const kind = KINDS[name] ?? name;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts]
    .map(([kind, count]) => `${kind}: ${count}`)
    .toSorted()
    .join(', ');
}
