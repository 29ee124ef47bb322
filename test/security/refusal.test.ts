// Answers of the cloud that are made to break whoever quotes them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { verdictOf } from '../../src/net/cloud.ts';
import { bell, waitUntil } from '../../src/testing/index.ts';
import { bench, cloud } from '../cli/workbench.ts';

const DEPTH = 100_000;
const NESTED = `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`;
const OBJECTS = `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`;

const BODIES: Readonly<Record<string, string>> = {
  'an error that nests': `{"error":${NESTED}}`,
  'a message that nests': `{"message":${OBJECTS}}`,
  'a detail that nests': `{"detail":[${OBJECTS}]}`,
  'nothing but brackets': NESTED,
  'an error without its end': `{"error":${'['.repeat(DEPTH)}`,
  'a long text': `{"error":"${'no '.repeat(DEPTH)}"}`,
};

describe('a refusal', () => {
  for (const [name, text] of Object.entries(BODIES)) {
    it(`with ${name} is a refusal, in few words`, () => {
      for (const status of [400, 401, 410, 503]) {
        const verdict = verdictOf({ status, headers: {}, text }, 'https://cloud.example.org/', {});
        assert.equal(verdict.kind, status === 503 ? 'transient' : 'no');
        assert.ok(verdict.reason.length < 300);
      }
    });
  }

  it('that nests without end has the result set aside at once, and the next job goes on', async () => {
    let asked = 0;
    const callback = createServer((_, response) => {
      asked += 1;
      response.writeHead(422, { 'content-type': 'application/json' }).end(BODIES['an error that nests']);
    }).listen(0, '127.0.0.1');
    await once(callback, 'listening');
    const address = callback.address();
    assert.ok(typeof address === 'object' && address !== null);
    try {
      const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken() });
      await node.says('serving QPU');
      const refused = await cloud.submit({
        ir: bell('cz').ir,
        shots: 6,
        raw: { callback_url: `http://127.0.0.1:${address.port}/hook` },
      });
      await waitUntil('the result set aside', async () =>
        (await bench.ends(0, ['results', 'list'])).includes(refused),
      );
      assert.equal(asked, 1);
      const next = await cloud.submit({ ir: bell('cz').ir, shots: 6 });
      assert.equal((await cloud.outcome(next)).status, 'completed');
    } finally {
      callback.closeAllConnections();
      callback.close();
    }
  });
});
