// Another user's process that is a node by all signs, and lies: root's commands look at it, end in time, and show no stack.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readPresence } from '../../src/cli/local-node/presence.ts';
import { startTimeOf } from '../../src/state/process.ts';
import { bench } from '../cli/workbench.ts';
import { asStranger, giveAway, needsRoot } from '../support/second-user.ts';
import { inState, path, put } from './shared.ts';

/** Holds the lock as a node does, and answers `/ready` with the words of its first argument, or drop by drop for ever. */
const LIAR = `
const { openSync, readFileSync, writeFileSync } = require('node:fs');
const [folder, answer, presence] = process.argv.slice(2);
process.title = 'coda-node';
process.on('SIGTERM', () => {});
const stat = readFileSync('/proc/self/stat', 'utf8');
const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
writeFileSync(folder + '/lock', process.pid + ' ' + startTime + '\\n', { mode: 0o600 });
openSync(folder + '/lock', 'r');
const server = require('node:http').createServer((request, response) => {
  if (answer !== 'drops') return response.end(answer);
  response.write('{');
  setInterval(() => response.write(' '), 200);
}).listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const said = { pid: process.pid, startTime, isDaemon: true, startedAt: '2026-01-01', version: '1', restarts: 0,
    recentRestarts: 0, drainTimeoutSec: 1, address: { host: '127.0.0.1', port }, ...JSON.parse(presence) };
  writeFileSync(folder + '/running.json', JSON.stringify(said), { mode: 0o600 });
  console.log('up');
});
`;

async function liar(answer: string, presence: object = {}): Promise<ChildProcess> {
  chmodSync(bench.folder, 0o755);
  mkdirSync(inState('coda-node-spool'), { recursive: true, mode: 0o700 });
  put(
    inState('coda-node-spool/last-run.json'),
    '{"pid":1,"at":"2026-01-01","place":{},"jobId":{"toString":null},"end":{"at":{}}}',
  );
  put(inState('coda-node-spool/starts.json'), '{"count":{},"recent":[{}]}');
  giveAway(bench.stateDir);
  const script = put(path('liar.cjs'), LIAR, 0o644);
  const [command = '', ...words] = asStranger;
  const child = spawn(
    command,
    [...words, process.execPath, script, inState('coda-node-spool'), answer, JSON.stringify(presence)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  return child;
}

/** Each of root's commands ends, and without a stack or a text about its own code. */
async function endsCalmly(args: readonly string[], code?: number): Promise<string> {
  const { code: ended, output } = await bench.run(args);
  assert.doesNotMatch(output, /^ {4}at |TypeError|RangeError|is not a function|undefined/m, args.join(' '));
  if (code === undefined) assert.notEqual(ended, null);
  else assert.equal(ended, code, output);
  return output;
}

describe('a lying node of another user', needsRoot, () => {
  const words = { toString: null, valueOf: null };
  const answer = JSON.stringify({
    ready: false,
    reasons: [words, 1, null, '\u001b[2J'],
    troubles: [{ text: words, remedy: words, blocks: words }, words, null],
    paused: { since: words, reason: words },
    vpn_interface: words,
    completed: 1,
    failed: words,
    callback_origins: [words, 'https://a'],
    current_job: words,
    executor: words,
  });

  for (const [name, presence] of [
    ['as it should announce itself', {}],
    ['with an address that is none', { address: { host: {}, port: 'x' } }],
    ['with an address of numbers', { address: { host: 5, port: -1 } }],
    ['with a list as its address', { address: [1] }],
    ['with times and counts that are none', { startedAt: words, version: words, restarts: words }],
  ] as const) {
    it(`is shown, ${name}`, async () => {
      const child = await liar(answer, presence);
      try {
        assert.match(await endsCalmly(['status'], 0), /running, PID \d+, as user nobody/);
        JSON.parse(await endsCalmly(['status', '--json'], 0));
        await endsCalmly(['status', '--ready'], 1);
        await endsCalmly(['doctor']);
        await endsCalmly(['results', 'list']);
      } finally {
        child.kill('SIGKILL');
      }
    });
  }

  it('is stopped after the time that the command names', async () => {
    const child = await liar(answer, { drainTimeoutSec: 'x' });
    const gone = once(child, 'exit');
    assert.match(await endsCalmly(['stop', '--timeout', '1'], 0), /stopped|killed/);
    await gone;
  });

  it('that answers drop by drop keeps nobody waiting', async () => {
    const child = await liar('drops');
    try {
      const started = performance.now();
      assert.match(await endsCalmly(['status'], 0), /the node does not answer/);
      assert.ok(performance.now() - started < 60_000);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('the announcement of a node', () => {
  it('is believed if it is what a node writes, and else as if there were none', () => {
    const identity = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
    const right = {
      ...identity,
      isDaemon: true,
      startedAt: '2026-01-01T00:00:00Z',
      version: '1',
      restarts: 0,
      recentRestarts: 0,
      drainTimeoutSec: 30,
      address: { host: '::1', port: 80 },
    };
    const read = (change: object): unknown => {
      put(inState('coda-node-spool/running.json'), JSON.stringify({ ...right, ...change }));
      return readPresence(bench.stateDir, identity);
    };
    assert.deepEqual(read({}), right);
    assert.deepEqual(read({ address: null }), { ...right, address: null });
    for (const change of [
      ...['x', {}, -1, null].map((drainTimeoutSec) => ({ drainTimeoutSec })),
      ...[{}, [], 'a:1', { host: 'evil.example', port: 1 }, { host: '::1', port: 70_000 }].map((address) => ({
        address,
      })),
      { startedAt: 'never' },
      { version: {} },
      { restarts: {} },
    ]) {
      assert.equal(read(change), undefined, JSON.stringify(change));
    }
  });
});

describe('files of another user that are huge', needsRoot, () => {
  it('take neither the time nor the memory of root’s commands', async () => {
    chmodSync(bench.folder, 0o755);
    mkdirSync(inState('coda-node-spool'), { recursive: true, mode: 0o700 });
    const GIB = 1024 * 1024 * 1024;
    for (const name of [
      'coda-node.pid',
      'coda-node.log',
      'coda-node.log.1',
      'coda-node-spool/lock',
      'coda-node-spool/running.json',
      'coda-node-spool/last-run.json',
      'coda-node-spool/starts.json',
      'coda.config',
    ]) {
      writeFileSync(inState(name), '', { mode: 0o600 });
      truncateSync(inState(name), 1.5 * GIB);
    }
    giveAway(bench.stateDir);
    // So much address space that a small program runs, and one that reads such a file does not.
    for (const args of [['status'], ['stop'], ['logs'], ['logs', '-n', '2000000'], ['doctor']]) {
      const started = bench.spawn(args, { NODE_OPTIONS: '--max-old-space-size=200' });
      const code = await started.ended;
      assert.notEqual(code, null, args.join(' '));
      assert.doesNotMatch(started.output(), /^ {4}at |out of memory|RangeError/m, args.join(' '));
    }
  });
});
