// What a node asks of an executor, and what is special about this one.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ConfigError } from 'coda-node';
import { testExecutor } from 'coda-node/testing';
import { readDevice } from '../src/device.js';
import { createExecutor } from '../src/executor-factory.js';

testExecutor(createExecutor, {
  target: 'cz',
  qubits: 5,
  // The stand-in is a perfect device. Allow yours more: the default is 0.2.
  physics: true,
  noise: 0.05,
  // #if large
  // The stand-in is too small for it. Take this out as soon as your device runs the circuits.
  skip: ['wide'],
  // #endif
});

it('refuses a device YAML with a coupler to a qubit that does not exist', () => {
  const device = { host: '127.0.0.1', target: 'cz', qubits: 2, couplers: [[1, 2]] };
  /** @type {import('coda-node').ExecutorContext['deviceError']} */
  const deviceError = (keys, fault) => new ConfigError(`${keys.join('.')} ${fault}`);
  assert.throws(() => readDevice({ device, deviceError }), /^ConfigError: couplers\.0 must be two different/);
});
