// `coda reset` by root in a directory in which another user has prepared something.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import { bench } from '../cli/workbench.ts';
import { giveAway, giveFolder, needsRoot } from '../support/second-user.ts';
import { inState, path, put, shareState } from './shared.ts';

describe('coda reset', needsRoot, () => {
  it('removes nothing that another user’s state file names, and not that file', async () => {
    shareState();
    const victim = put(path('root/dir/victim'), 'precious');
    const spool = put(path('root/dir/o/coda-node-spool/deep/file'), 'precious');
    symlinkSync(path('root/dir'), inState('evil'));
    for (const owner of ['nobody', 'root, with a mode that lets others write']) {
      const state = {
        jwt_private_key_path: inState('evil/victim'),
        node_vpn_profile_path: inState('evil/o/coda-node-spool'),
      };
      put(inState('coda.config'), JSON.stringify(state), owner === 'nobody' ? 0o600 : 0o666);
      chmodSync(inState('coda.config'), owner === 'nobody' ? 0o600 : 0o666);
      if (owner === 'nobody') giveAway(inState('coda.config'));
      const said = await bench.ends(0, ['reset', '--yes']);
      if (owner === 'nobody') assert.match(said, /left .*coda\.config: it belongs to user nobody/);
      assert.equal(existsSync(inState('coda.config')), owner === 'nobody');
      assert.equal(readFileSync(victim, 'utf8'), 'precious');
      assert.equal(readFileSync(spool, 'utf8'), 'precious');
      rmSync(inState('coda.config'), { force: true });
    }
  });

  it('removes nothing in the directory of another user, nor in one that everybody may change', async () => {
    put(inState('coda.config'), '{}');
    giveFolder(bench.stateDir);
    assert.match(
      await bench.ends(1, ['reset', '--yes']),
      /not used: it belongs to user nobody[^]*sudo -u nobody/,
    );
    execFileSync('chown', ['root', bench.stateDir]);
    chmodSync(bench.stateDir, 0o777);
    assert.match(await bench.ends(1, ['reset', '--yes']), /not used: everybody may write to it[^]*chmod o-w/);
    assert.deepEqual(readdirSync(bench.stateDir), ['coda.config']);
  });

  it('follows no link: neither to the directory, nor in the place of the node’s folder or its files', async () => {
    const precious = put(path('real/coda.config'), '{}');
    put(path('real/coda-node-spool/outbox.journal'), 'precious');
    symlinkSync(path('real'), bench.stateDir);
    giveAway(bench.stateDir);
    assert.match(
      await bench.ends(1, ['reset', '--yes']),
      /the link .*state, which leads to it, belongs to user nobody/,
    );
    rmSync(bench.stateDir);
    for (const give of [true, false]) {
      shareState();
      symlinkSync(path('real/coda-node-spool'), inState('coda-node-spool'));
      symlinkSync(precious, inState('coda-node.log'));
      if (give) giveAway(inState('coda-node-spool'));
      assert.match(
        await bench.ends(1, ['reset', '--yes']),
        /coda-node-spool (belongs to user nobody|must be a folder)/,
      );
      rmSync(inState('coda-node-spool'));
      await bench.ends(0, ['reset', '--yes']);
      assert.equal(existsSync(inState('coda-node.log')), false);
      assert.equal(readFileSync(precious, 'utf8'), '{}');
      assert.deepEqual(readdirSync(path('real/coda-node-spool')), ['outbox.journal']);
    }
  });
});
