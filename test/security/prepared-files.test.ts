// Files that another user, or a mistake, has put in the place of those of the node.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import { bench, cloud } from '../cli/workbench.ts';
import { giveAway, giveFolder, needsRoot } from '../support/second-user.ts';
import { inState, path, put, shareState } from './shared.ts';

const FILES = [
  'coda.config',
  'coda-private-key',
  'coda-node.log',
  'coda-node.log.1',
  'coda-node.pid',
  'coda-node.ovpn',
  'coda-node-openvpn.pid',
  'coda-node-openvpn.log',
];
const IN_FOLDER = ['lock', 'id', 'running', 'running.json', 'starts.json', 'last-run.json', 'paused.json'];
const RESULTS = ['outbox.journal', 'dead-letters.jsonl', 'refused', 'replay'];
const ALL = [...FILES, ...[...IN_FOLDER, ...RESULTS].map((name) => `coda-node-spool/${name}`)];

/** What another user may have put there, or an operator by mistake. */
const PREPARED: Readonly<Record<string, (name: string) => void>> = {
  'a folder': (name) => mkdirSync(name),
  'a pipe': (name) => void execFileSync('mkfifo', [name]),
  'a device': (name) => void execFileSync('mknod', [name, 'c', '1', '3']),
  'a file of another user': (name) => giveAway(put(name)),
  'a link of another user': (name) => {
    symlinkSync(put(path('precious'), 'precious'), name);
    giveAway(name);
  },
};

describe('a start, before the token is spent', needsRoot, () => {
  for (const [what, prepare] of Object.entries(PREPARED)) {
    it(`refuses ${what} in the place of each of its files, and names it`, async () => {
      const token = cloud.issueToken();
      for (const name of ALL) {
        if (what === 'a folder' && /re(fused|play)$/.test(name)) continue;
        shareState();
        if (name.includes('/')) mkdirSync(inState('coda-node-spool'), { mode: 0o700 });
        prepare(inState(name));
        const args =
          name.startsWith('coda-node.log') || name === 'coda-node.pid' ? ['start', '-d'] : ['start'];
        const said = await bench.ends(1, args, { CODA_NODE_TOKEN: token });
        assert.ok(said.includes(inState(name)), said);
        assert.match(said, /\n +→ /);
        assert.doesNotMatch(said, /chown/);
        if (name === 'coda-private-key') {
          const { output } = await bench.run(['doctor']);
          assert.ok(output.includes(inState(name)), output);
        }
        rmSync(bench.stateDir, { recursive: true });
      }
      if (existsSync(path('precious'))) assert.equal(readFileSync(path('precious'), 'utf8'), 'precious');
      await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: token });
      await bench.ends(0, ['stop']);
    });
  }

  it('refuses the directory of another user, until that one is trusted', async () => {
    const token = cloud.issueToken();
    mkdirSync(bench.stateDir);
    giveFolder(bench.stateDir);
    for (const args of [['start'], ['start', '-d']]) {
      const said = await bench.ends(1, args, { CODA_NODE_TOKEN: token });
      assert.match(said, /state is not used: it belongs to user nobody[^]*CODA_TRUSTED_OWNERS=nobody/);
    }
    assert.deepEqual(readdirSync(bench.stateDir), []);
    const env = { CODA_NODE_TOKEN: token, CODA_TRUSTED_OWNERS: 'nobody' };
    await bench.ends(0, ['start', '-d'], env);
    await bench.ends(0, ['stop'], env);
  });
});
