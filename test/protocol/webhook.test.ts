// Webhook bodies: exactly the contract's keys, and error texts of 1 to 500 whole characters.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { boundedError, webhookBody } from '../../src/protocol/webhook.ts';
import { anyText } from './arbitraries.ts';

describe('webhookBody', () => {
  it('reports a completed job', () => {
    const outcome = {
      status: 'completed',
      counts: { '0': 3 },
      executionTimeMs: 1.5,
      shotsCompleted: 3,
      more: null,
    } as const;
    assert.deepEqual(webhookBody('j-1', outcome), {
      job_id: 'j-1',
      status: 'completed',
      counts: { '0': 3 },
      execution_time_ms: 1.5,
      shots_completed: 3,
    });
  });

  it('reports a failed job', () => {
    const outcome = { status: 'failed', error: 'no beam', counts: {} } as const;
    assert.deepEqual(webhookBody('j-1', outcome), { job_id: 'j-1', status: 'failed', error: 'no beam' });
  });
});

describe('boundedError', () => {
  it('keeps 500 characters and cuts the 501st', () => {
    assert.equal(boundedError('x'.repeat(500)), 'x'.repeat(500));
    assert.equal(boundedError('x'.repeat(501)), `${'x'.repeat(499)}…`);
  });

  it('counts and cuts whole characters outside the basic plane', () => {
    assert.equal(boundedError('😀'.repeat(500)), '😀'.repeat(500));
    assert.equal(boundedError(`a${'😀'.repeat(600)}`), `a${'😀'.repeat(498)}…`);
  });

  it('puts words in place of an empty text', () => {
    for (const text of ['', ' ', '\n\t'])
      assert.equal(boundedError(text), 'the job failed without an error message');
  });

  it('replaces what JSON stores choke on', () => {
    assert.equal(boundedError('a\0b\ud800c\udc00'), 'a\uFFFDb\uFFFDc\uFFFD');
  });

  it('yields 1 to 500 well-formed characters from any text', () => {
    const units = fc.constantFrom('a', '😀', '\ud83d', '\ude00', '\0', '\n', 'é');
    const texts = fc.oneof(
      anyText(),
      fc.array(units, { minLength: 480, maxLength: 1200, size: 'max' }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const bounded = boundedError(text);
        const length = Array.from(bounded).length;
        assert.ok(length >= 1 && length <= 500, `${length}`);
        assert.doesNotMatch(bounded, /[\0\p{Cs}]/u);
        assert.equal(boundedError(bounded), bounded);
      }),
      { numRuns: 1000 },
    );
  });
});
