// Commands that the node prints to be pasted hold texts from outside: a shell must take them as words.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync, chmodSync } from 'node:fs';
import { describe, it } from 'node:test';
import { bell, waitUntil } from '../../src/testing/index.ts';
import { bench, cloud } from '../cli/workbench.ts';
import { path } from './shared.ts';

describe('a command that is printed', () => {
  it('is one command, whatever a callback is called', async () => {
    // A host may have all these characters.
    const hosts = ["x';touch$IFS$9ran;'", '$(touch$IFS$9ran)', '`touch$IFS$9ran`', 'x;touch$IFS$9ran'];
    const node = bench.spawn(['start', '--token', cloud.issueToken()], {
      CODA_EXECUTOR_FACTORY: 'simulator',
      CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '0.1',
      CODA_WEBHOOK_TIMEOUT_SEC: '1',
      // So that these few are half of the room.
      CODA_OUTBOX_MAX_JOBS: '8',
    });
    await node.says('serving QPU');
    for (const host of hosts)
      await cloud.submit({ ir: bell('cz').ir, shots: 1, raw: { callback_url: `http://${host}/hook` } });
    await cloud.submit({ ir: bell('cz').ir, shots: 1 });
    let doctor = '';
    await waitUntil('the origins', async () => {
      doctor = (await bench.run(['doctor'])).output;
      return hosts.every((host) => doctor.includes(host.toLowerCase().replaceAll("'", String.raw`'\''`)));
    });
    const [, line = ''] = /(CODA_WEBHOOK_ALLOWED_ORIGINS=.*) \(or webhook/.exec(doctor) ?? [];
    const set = shell(`${line}\nprintf %s "$CODA_WEBHOOK_ALLOWED_ORIGINS"`);
    assert.deepEqual(JSON.parse(set), [
      ...hosts.map((host) => `http://${host.toLowerCase()}`),
      new URL(cloud.url).origin,
    ]);
    await waitUntil('the trouble', async () => (await bench.run(['status'])).output.includes('--origin'));
    const [, command = ''] =
      /: (coda results drop --waiting .*)$/m.exec((await bench.run(['status'])).output) ?? [];
    assert.match(
      shell(`coda() { for word; do echo "$word"; done; }\n${command}`),
      /^--origin\nhttp:\/\/\S+\n$/m,
    );
    assert.equal(existsSync(path('ran')), false);
    node.child.kill('SIGKILL');
    await node.ended;
  });

  it('is one command, whatever a token file is called', async () => {
    const file = path('a $(touch ran)');
    writeFileSync(file, 'token\n');
    chmodSync(file, 0o644);
    const said = (await bench.run(['start', '--token-file', file])).output;
    const [, command = ''] = /→ (chmod 600 .*)$/m.exec(said) ?? [];
    shell(command);
    assert.equal(existsSync(path('ran')), false);
  });
});

function shell(script: string): string {
  return execFileSync('sh', ['-c', script], { cwd: bench.folder, encoding: 'utf8' });
}
