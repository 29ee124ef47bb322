// The Redis names, against the wire contract's literal spelling.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import {
  CANCEL_KEY_PREFIX,
  cancelKey,
  groupName,
  jobIdOfCancelKey,
  statusKey,
  streamKey,
} from '../../src/protocol/keys.ts';

it('spells the names of the contract', () => {
  assert.equal(streamKey('q-1'), 'qpu:q-1:jobs');
  assert.equal(groupName('q-1'), 'qpu:q-1:workers');
  assert.equal(statusKey('j-1'), 'qpu:job:j-1:status');
  assert.equal(cancelKey('j-1'), 'qpu:job:cancelled:j-1');
  assert.equal(CANCEL_KEY_PREFIX, 'qpu:job:cancelled:');
});

it('finds the job of a cancel key again', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (jobId) =>
      assert.equal(jobIdOfCancelKey(cancelKey(jobId)), jobId),
    ),
  );
});

it('takes no other key for a cancel key', () => {
  for (const key of [
    '',
    'qpu:job:cancelled:',
    'qpu:job:j-1:status',
    'x:qpu:job:cancelled:j-1',
    'QPU:JOB:CANCELLED:j',
  ]) {
    assert.equal(jobIdOfCancelKey(key), undefined);
  }
});
