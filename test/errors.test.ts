// The family of errors (PROTOCOL §14): exported, with codes that never change, a remedy in the text, and the cause kept.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as coda from '../src/index.ts';
import { messageOf } from '../src/errors.ts';
import { QasmError } from '../src/qasm/index.ts';

const CODES = {
  CODA_CONFIG: coda.ConfigError,
  CODA_AUTH: coda.AuthError,
  CODA_VPN: coda.VPNError,
  CODA_NODE: coda.NodeError,
  CODA_HEARTBEAT_REJECTED: coda.HeartbeatRejectedError,
  CODA_EXECUTOR: coda.ExecutorError,
  CODA_EXECUTOR_DIED: coda.ExecutorDiedError,
  CODA_JOB: coda.JobError,
  CODA_WEBHOOK: coda.WebhookError,
  CODA_PLUGIN: coda.PluginError,
  CODA_QASM: QasmError,
} as const;

describe('errors', () => {
  for (const [code, Family] of Object.entries(CODES)) {
    it(`${Family.name} has the code ${code}`, () => {
      const cause = new Error('the fridge is warm');
      const error = new Family('it failed', { cause, remedy: 'Cool it.', plugin: 'fridge' });
      assert.ok(error instanceof coda.CodaError);
      assert.deepEqual(
        [error.name, error.code, error.message, error.cause, error.remedy],
        [Family.name, code, 'it failed\n  → Cool it.', cause, 'Cool it.'],
      );
    });
  }

  it('of anything that was thrown have words', () => {
    const circular: { self?: unknown } = {};
    circular.self = circular;
    const words = [undefined, null, new TypeError(''), 'text', { code: 7 }, circular, Symbol('x'), 5n].map(
      messageOf,
    );
    assert.deepEqual(words, [
      'undefined was thrown in place of an error',
      'null was thrown in place of an error',
      'TypeError',
      'text',
      '{"code":7}',
      '[object Object]',
      'Symbol(x)',
      '5',
    ]);
  });

  it('have words whatever their message is', () => {
    const withMessage = (descriptor: PropertyDescriptor): Error =>
      Object.defineProperty(new TypeError('x'), 'message', descriptor);
    const unreadable = (): never => {
      throw new Error('not for you');
    };
    const words = [
      withMessage({ value: { code: 7 } }),
      withMessage({ value: undefined }),
      withMessage({ get: unreadable }),
    ].map(messageOf);
    assert.deepEqual(words, ['{"code":7}', 'TypeError', '[object Error]']);
  });

  it('with several causes name each of them once', () => {
    const refused = new Error('connect ECONNREFUSED ::1:1');
    const late = new Error('connect ETIMEDOUT 192.0.2.1:1');
    assert.equal(
      messageOf(new AggregateError([refused, late, refused])),
      'connect ECONNREFUSED ::1:1; connect ETIMEDOUT 192.0.2.1:1',
    );
    assert.equal(messageOf(new AggregateError([late], 'no way')), 'no way: connect ETIMEDOUT 192.0.2.1:1');
    assert.equal(messageOf(new AggregateError([])), 'AggregateError');
    assert.match(
      messageOf(new AggregateError(Array.from({ length: 30 }, (_, i) => `e${i}`))),
      /; e7; and 22 more$/,
    );
  });
});
