// The content of a config file: all its faults are listed, with the right place for a misplaced key.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { folder } from './folder.ts';
import { failure, load } from './loading.ts';

describe('a config file with faults', () => {
  const faultsOf = async (t: { after: (action: () => void) => void }, content: unknown): Promise<string> =>
    failure(load({ cwd: folder(t, { 'coda.config.json': JSON.stringify(content) }) }));

  it('lists them all, each with its path', async (t) => {
    const text = await faultsOf(t, { concurrency: 0, logLevel: 'loud', nodeToken: 5, stateDirr: 'hunter2' });
    assert.match(text, /concurrency in .* is 0, but must be a whole number, 1 or more/);
    assert.match(text, /logLevel in .* is "loud", but must be one of /);
    assert.match(text, /nodeToken in .* holds a number \(not shown\)/);
    assert.match(text, /stateDirr in .* is unknown; did you mean "stateDir"\?/);
    assert.doesNotMatch(text, /hunter2/);
  });

  it('says where a misplaced key belongs', async (t) => {
    const hints: readonly (readonly [string, RegExp])[] = [
      ['port', /does not belong at the top: .*plugins: \[\['health', \{ port: … \}\]\]/],
      ['CODA_PORT', /\[\['health', \{ port: … \}\]\]/],
      ['intervalSec', /\[\['heartbeat', \{ intervalSec: … \}\]\]/],
      ['nodeConnectHeaders', /\[\['connect', \{ headers: … \}\]\]/],
      ['heartbeat', /it is a plugin; write plugins: \[\['heartbeat', \{ … \}\]\]/],
      ['executorFactory', /use "executor"/],
      ['__proto__x', /is unknown; known are nodeToken, /],
    ];
    for (const [key, expected] of hints) assert.match(await faultsOf(t, { [key]: 'hunter2' }), expected);
  });

  it('is not quoted if a mistake in the syntax made a secret a key', async (t) => {
    const cwd = folder(t, { 'coda.config.yaml': '{ redisUrl: , hunter2@host:6379 }' });
    const text = await failure(load({ cwd }));
    assert.match(
      text,
      /a key \(not shown, since it does not look like a name\) in .*coda\.config\.yaml is unknown; known are /,
    );
    assert.doesNotMatch(text, /hunter2/);
  });

  it('must be an object', async (t) => {
    for (const content of ['hunter2', 5, [], true]) {
      const text = await faultsOf(t, content);
      assert.match(text, /coda\.config\.json must give an object/);
      assert.doesNotMatch(text, /hunter2/);
    }
  });

  it('may leave keys undefined', async (t) => {
    const cwd = folder(t, {
      'coda.config.ts': 'export default { concurrency: undefined, executor: undefined };',
    });
    assert.equal((await load({ cwd })).settings.concurrency, 1);
  });
});
