// The name of the machine, as the cloud sees it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newFingerprint } from '../../../plugins/connect/fingerprint.ts';

test('a new fingerprint is the same each time on one machine', () => {
  assert.match(newFingerprint(), /^.+-\d{1,15}$/);
  assert.equal(newFingerprint(), newFingerprint());
});
