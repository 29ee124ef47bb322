// One node for one state directory, and a name in the consumer group that is its own and stays.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import { nodeOf, openSpool, spoolDirectory } from '../../src/state/lock.ts';
import { temporaryFolder } from '../support/temporary.ts';

const needsProc = { skip: process.platform !== 'linux' && 'start times of processes are read from /proc' };

function lockOf(stateDir: string): string {
  return join(spoolDirectory(stateDir), 'lock');
}

/** A process that lives until the test ends. */
function livingProcess(t: TestContext): number {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  t.after(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child.pid ?? 0;
}

describe('the spool', () => {
  it('belongs to one node at a time', async (t) => {
    const stateDir = await temporaryFolder(t);
    const spool = openSpool(stateDir);
    assert.equal(nodeOf(spool.directory), process.pid);
    assert.throws(() => openSpool(stateDir), /another node \(PID \d+\).*\n.*CODA_STATE_DIR/);
    spool.release();
    assert.equal(nodeOf(spool.directory), undefined);
    openSpool(stateDir).release();
  });

  it('is refused while another process has it, and by which', needsProc, async (t) => {
    const stateDir = await temporaryFolder(t);
    openSpool(stateDir).release();
    const pid = livingProcess(t);
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    writeFileSync(lockOf(stateDir), `${pid} ${startTime}\n`);
    assert.throws(() => openSpool(stateDir), new RegExp(`PID ${pid}`));
    // The same number, but a process that started at another time: the node that wrote it is dead.
    writeFileSync(lockOf(stateDir), `${pid} 1\n`);
    openSpool(stateDir).release();
  });

  it('is taken from the dead, whatever their lock says', async (t) => {
    const stateDir = await temporaryFolder(t);
    openSpool(stateDir).release();
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'exit');
    for (const text of [`${dead.pid} 12345\n`, '', 'garbage', '-1 0', '0 0']) {
      writeFileSync(lockOf(stateDir), text);
      openSpool(stateDir).release();
    }
  });

  it('is taken by one of many nodes that find the same dead lock', async (t) => {
    const stateDir = await temporaryFolder(t);
    openSpool(stateDir).release();
    const spool = new URL('../../src/state/lock.js', import.meta.url).href;
    const script = `
      const { openSpool } = await import(${JSON.stringify(spool)});
      process.stdin.once('data', () => {
        try { openSpool(${JSON.stringify(stateDir)}); console.log('got it'); } catch { console.log('refused'); }
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

  it('has one name, the same after a restart and another in a copy', async (t) => {
    const stateDir = await temporaryFolder(t);
    const first = openSpool(stateDir);
    first.release();
    const again = openSpool(stateDir);
    again.release();
    assert.equal(again.consumer, first.consumer);
    const copy = join(await temporaryFolder(t), 'copy');
    cpSync(stateDir, copy, { recursive: true });
    const other = openSpool(copy);
    other.release();
    assert.notEqual(other.consumer, first.consumer);
  });

  it('has another name on a machine with none of the network cards it knew', async (t) => {
    const stateDir = await temporaryFolder(t);
    const first = openSpool(stateDir);
    first.release();
    const path = join(first.directory, 'id');
    const [id = '', macs = ''] = readFileSync(path, 'utf8').split('\n');
    if (macs === '') return t.skip('this machine has no network card');
    // One card more or less is the same machine.
    writeFileSync(path, `${id}\n02:00:00:00:00:01 ${macs}\n`);
    const same = openSpool(stateDir);
    same.release();
    assert.equal(same.consumer, first.consumer);
    writeFileSync(path, `${id}\n02:00:00:00:00:01\n`);
    const clone = openSpool(stateDir);
    clone.release();
    assert.notEqual(clone.consumer, first.consumer);
  });

  it('is never a folder of somebody else', async (t) => {
    const stateDir = await temporaryFolder(t);
    const directory = spoolDirectory(stateDir);
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    assert.throws(() => openSpool(stateDir), ConfigError);
    const linked = await temporaryFolder(t);
    symlinkSync(directory, spoolDirectory(linked));
    assert.throws(() => openSpool(linked), ConfigError);
  });

  it('that cannot be made is a ConfigError with a remedy', async (t) => {
    const stateDir = await temporaryFolder(t);
    writeFileSync(join(stateDir, 'file'), '');
    assert.throws(
      () => openSpool(join(stateDir, 'file')),
      (thrown: unknown) => thrown instanceof ConfigError && /CODA_STATE_DIR/.test(thrown.message),
    );
  });
});
