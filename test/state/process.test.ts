// Whether a process is still the one that was meant, and how it is ended.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  commandLineOf,
  findOwnProcesses,
  identifyProcess,
  isProcessRunning,
  readPidFile,
  signalProcess,
  terminateProcess,
  type ProcessIdentity,
} from '../../src/state/process.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** A process that says `ready` and runs until the test ends. */
async function otherProcess(
  t: TestContext,
  script = '',
): Promise<{ child: ChildProcess; identity: ProcessIdentity }> {
  const code = `${script}; setInterval(() => {}, 1000); console.log('ready')`;
  const child = spawn(process.execPath, ['-e', code, 'a-marked-process']);
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const identity = identifyProcess(child.pid ?? 0);
  assert.ok(identity !== undefined);
  return { child, identity };
}

const onLinux = { skip: process.platform !== 'linux' && 'needs /proc' };

describe('a process', () => {
  it('is known by its id and start time, and is found by its command line', onLinux, async (t) => {
    const { identity } = await otherProcess(t);
    assert.equal(isProcessRunning(identity), true);
    assert.equal(isProcessRunning({ ...identity, startTime: '' }), true);
    assert.equal(isProcessRunning({ ...identity, startTime: '1' }), false);
    assert.match(commandLineOf(identity.pid), / a-marked-process$/);
    const found = findOwnProcesses((line) => line.endsWith(' a-marked-process'));
    assert.deepEqual(found, [identity]);
  });

  it('does not run under an id that means a group, or none at all', () => {
    for (const pid of [0, -1, NaN, 1.5, 2 ** 40]) {
      assert.equal(isProcessRunning({ pid, startTime: '' }), false);
      assert.equal(identifyProcess(pid), undefined);
      assert.equal(signalProcess({ pid, startTime: '' }, 'SIGTERM'), false);
    }
  });

  it('is not signalled if it only has the same id', onLinux, async (t) => {
    const { child, identity } = await otherProcess(t);
    assert.equal(await terminateProcess({ ...identity, startTime: '1' }, { graceMs: 0 }), 'ended');
    assert.equal(child.exitCode ?? child.signalCode, null);
  });

  it('may end by itself before it is killed, even if it was stopped', async (t) => {
    const { child, identity } = await otherProcess(t);
    if (process.platform !== 'win32') child.kill('SIGSTOP');
    assert.equal(await terminateProcess(identity, { graceMs: 10_000 }), 'ended');
    assert.equal(isProcessRunning(identity), false);
  });

  it('is killed if it ignores SIGTERM', onLinux, async (t) => {
    const { identity } = await otherProcess(t, "process.on('SIGTERM', () => {})");
    let isKilled = false;
    const how = await terminateProcess(identity, { graceMs: 200, onKill: () => (isKilled = true) });
    assert.deepEqual([how, isKilled, isProcessRunning(identity)], ['killed', true, false]);
  });
});

describe('a PID file', () => {
  it('names a process and perhaps its start time', async (t) => {
    const path = join(await temporaryFolder(t), 'pid');
    assert.equal(readPidFile(path), undefined);
    for (const [text, pid, startTime] of [
      ['12\n', 12, ''],
      ['12\n345\n', 12, '345'],
      ['-12', NaN, ''],
      ['', NaN, ''],
      ['12x', NaN, ''],
    ] as const) {
      writeFileSync(path, text);
      assert.deepEqual(readPidFile(path), { pid, startTime });
    }
  });
});
