// What site/device.yaml says, checked: the rules are those of site/device.schema.json.
import { LEGAL_GATES, type Edge, type ExecutorContext, type Target } from 'coda-node';

export interface DeviceConfig {
  readonly host: string;
  readonly target: Target;
  readonly qubits: number;
  readonly couplers: readonly Edge[];
}

/** Throws an error with the file and line of what is wrong. */
export function readDevice({
  device = {},
  deviceError,
}: Pick<ExecutorContext, 'device' | 'deviceError'>): DeviceConfig {
  const { host, target, qubits, couplers } = device;
  if (typeof host !== 'string' || host === '')
    throw deviceError(['host'], 'must be the address of the device');
  if (!isTarget(target)) {
    throw deviceError(['target'], `must be one of ${Object.keys(LEGAL_GATES).join(', ')}`);
  }
  if (!isQubit(qubits) || qubits === 0) throw deviceError(['qubits'], 'must be a whole number above 0');
  if (!Array.isArray(couplers)) throw deviceError(['couplers'], 'must be a list of pairs of qubits');
  const edges = couplers.map((pair: unknown, i): Edge => {
    if (isEdge(pair) && Math.max(...pair) < qubits) return pair;
    throw deviceError(['couplers', i], `must be two different qubits, from 0 to ${qubits - 1}`);
  });
  return { host, target, qubits, couplers: edges };
}

function isTarget(value: unknown): value is Target {
  return typeof value === 'string' && Object.hasOwn(LEGAL_GATES, value);
}

function isEdge(value: unknown): value is Edge {
  return Array.isArray(value) && value.length === 2 && value.every(isQubit) && value[0] !== value[1];
}

function isQubit(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
