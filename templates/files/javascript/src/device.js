// What site/device.yaml says, checked: the rules are those of site/device.schema.json.
import { LEGAL_GATES } from 'coda-node';

/** @typedef {import('coda-node').Edge} Edge */
/** @typedef {import('coda-node').Target} Target */
/** @typedef {{ host: string, target: Target, qubits: number, couplers: Edge[] }} DeviceConfig */

/**
 * Throws an error with the file and line of what is wrong.
 * @param {Pick<import('coda-node').ExecutorContext, 'device' | 'deviceError'>} context
 * @returns {DeviceConfig}
 */
export function readDevice({ device = {}, deviceError }) {
  const { host, target, qubits, couplers } = device;
  if (typeof host !== 'string' || host === '')
    throw deviceError(['host'], 'must be the address of the device');
  if (!isTarget(target)) {
    throw deviceError(['target'], `must be one of ${Object.keys(LEGAL_GATES).join(', ')}`);
  }
  if (!isQubit(qubits) || qubits === 0) throw deviceError(['qubits'], 'must be a whole number above 0');
  if (!Array.isArray(couplers)) throw deviceError(['couplers'], 'must be a list of pairs of qubits');
  const edges = couplers.map((/** @type {unknown} */ pair, i) => {
    if (isEdge(pair) && Math.max(...pair) < qubits) return pair;
    throw deviceError(['couplers', i], `must be two different qubits, from 0 to ${qubits - 1}`);
  });
  return { host, target, qubits, couplers: edges };
}

/**
 * @param {unknown} value
 * @returns {value is Target}
 */
function isTarget(value) {
  return typeof value === 'string' && Object.hasOwn(LEGAL_GATES, value);
}

/**
 * @param {unknown} value
 * @returns {value is Edge}
 */
function isEdge(value) {
  return Array.isArray(value) && value.length === 2 && value.every(isQubit) && value[0] !== value[1];
}

/**
 * @param {unknown} value
 * @returns {value is number}
 */
function isQubit(value) {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
