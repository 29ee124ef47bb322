// A state directory has one node at a time, whose name in the consumer group is its own and stays the same.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  cpSync,
  openSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { lockPath, nodeFolder } from '../../src/state/layout.ts';
import { lockHolder } from '../../src/state/lock.ts';
import { openNodeFolder } from '../../src/state/node-folder.ts';
import { startTimeOf } from '../../src/state/process.ts';
import { temporaryFolder } from '../support/temporary.ts';

const needsProc = { skip: process.platform !== 'linux' && 'start times of processes are read from /proc' };

function lockOf(stateDir: string): string {
  return lockPath(nodeFolder(stateDir));
}

/** A process that runs until the test ends, and has `file` open. */
function otherProcess(t: TestContext, file: string): number {
  const descriptor = openSync(file, 'a');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    stdio: ['ignore', descriptor, 'ignore'],
  });
  closeSync(descriptor);
  t.after(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child.pid ?? 0;
}

describe("the node's own folder", () => {
  it('belongs to one node at a time', async (t) => {
    const stateDir = await temporaryFolder(t);
    const folder = await openNodeFolder(stateDir);
    assert.equal((await lockHolder(folder.directory))?.pid, process.pid);
    // Older versions split the text at spaces and read two words.
    const [pid, startTime] = readFileSync(lockOf(stateDir), 'utf8').trim().split(' ');
    assert.deepEqual([Number(pid), startTime], [process.pid, startTimeOf(process.pid) ?? '']);
    await assert.rejects(openNodeFolder(stateDir), /another node \(PID \d+\).*\n.*CODA_STATE_DIR/);
    folder.release();
    assert.equal(await lockHolder(folder.directory), undefined);
    (await openNodeFolder(stateDir)).release();
  });

  it('is refused while another process has it, and the error names that process', needsProc, async (t) => {
    const stateDir = await temporaryFolder(t);
    (await openNodeFolder(stateDir)).release();
    const pid = otherProcess(t, lockOf(stateDir));
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    writeFileSync(lockOf(stateDir), `${pid} ${startTime}\n`);
    await assert.rejects(openNodeFolder(stateDir), new RegExp(`PID ${pid}`));
    // A copy of the folder names that process, too, but is not what it uses.
    const copy = join(await temporaryFolder(t), 'copy');
    cpSync(stateDir, copy, { recursive: true });
    assert.equal(await lockHolder(nodeFolder(copy)), undefined);
    (await openNodeFolder(copy)).release();
    // The same number, but a process that started at another time: the node that wrote it is dead.
    writeFileSync(lockOf(stateDir), `${pid} 1\n`);
    (await openNodeFolder(stateDir)).release();
  });

  it('is taken from a node that has ended, whatever its lock says', async (t) => {
    const stateDir = await temporaryFolder(t);
    (await openNodeFolder(stateDir)).release();
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    for (const text of [`${dead.pid} 12345\n`, '', 'garbage', '-1 0', '0 0']) {
      writeFileSync(lockOf(stateDir), text);
      (await openNodeFolder(stateDir)).release();
    }
  });

  it('is taken by exactly one of many nodes that find the lock of a dead node', async (t) => {
    const stateDir = await temporaryFolder(t);
    (await openNodeFolder(stateDir)).release();
    const module = new URL('../../src/state/node-folder.js', import.meta.url).href;
    const script = `
      const { openNodeFolder } = await import(${JSON.stringify(module)});
      process.stdin.once('data', async () => {
        try { await openNodeFolder(${JSON.stringify(stateDir)}); console.log('got it'); } catch { console.log('refused'); }
      });
      console.log('ready');
      process.stdin.once('end', () => process.exit());`;
    for (let round = 0; round < 5; round += 1) {
      writeFileSync(lockOf(stateDir), '999999999 1\n');
      const nodes = Array.from({ length: 4 }, () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
        return {
          child,
          says: async (n: number) => {
            while (output.trim().split('\n').length < n || output === '') await once(child.stdout, 'data');
            return output.trim().split('\n')[n - 1];
          },
        };
      });
      await Promise.all(nodes.map(({ says }) => says(1)));
      for (const { child } of nodes) child.stdin.write('go\n');
      const answers = await Promise.all(nodes.map(({ says }) => says(2)));
      const exits = nodes.map(({ child }) => once(child, 'exit'));
      for (const { child } of nodes) child.stdin.end();
      await Promise.all(exits);
      assert.equal(answers.filter((answer) => answer === 'got it').length, 1, answers.join());
      assert.equal(answers.filter((answer) => answer === 'refused').length, 3, answers.join());
    }
  });

  it('has one consumer name: the same after a restart, another in a copy', async (t) => {
    const stateDir = await temporaryFolder(t);
    const first = await openNodeFolder(stateDir);
    first.release();
    const again = await openNodeFolder(stateDir);
    again.release();
    assert.equal(again.consumer, first.consumer);
    const copy = join(await temporaryFolder(t), 'copy');
    cpSync(stateDir, copy, { recursive: true });
    const other = await openNodeFolder(copy);
    other.release();
    assert.notEqual(other.consumer, first.consumer);
  });

  it('has another consumer name on a machine that has none of the known network cards', async (t) => {
    const stateDir = await temporaryFolder(t);
    const first = await openNodeFolder(stateDir);
    first.release();
    const path = join(first.directory, 'id');
    const [id = '', macs = ''] = readFileSync(path, 'utf8').split('\n');
    if (macs === '') return t.skip('this machine has no network card');
    // One card more or less is the same machine.
    writeFileSync(path, `${id}\n02:00:00:00:00:01 ${macs}\n`);
    const same = await openNodeFolder(stateDir);
    same.release();
    assert.equal(same.consumer, first.consumer);
    writeFileSync(path, `${id}\n02:00:00:00:00:01\n`);
    const clone = await openNodeFolder(stateDir);
    clone.release();
    assert.notEqual(clone.consumer, first.consumer);
  });

  it('is refused if others can write to it, or if it is a link', async (t) => {
    const stateDir = await temporaryFolder(t);
    const directory = nodeFolder(stateDir);
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    await assert.rejects(openNodeFolder(stateDir), ConfigError);
    const linked = await temporaryFolder(t);
    symlinkSync(directory, nodeFolder(linked));
    await assert.rejects(openNodeFolder(linked), ConfigError);
  });

  it('throws a ConfigError with a remedy if it cannot be made', async (t) => {
    const stateDir = await temporaryFolder(t);
    writeFileSync(join(stateDir, 'file'), '');
    await assert.rejects(
      openNodeFolder(join(stateDir, 'file')),
      (thrown: unknown) => thrown instanceof ConfigError && /CODA_STATE_DIR/.test(thrown.message),
    );
  });
});
