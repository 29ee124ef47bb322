// The wire contract as the yardstick knows it, in words of its own: what is measured must not move with what measures.
import { bell } from '../../src/testing/index.ts';

export const streamOf = (qpuId: string): string => `qpu:${qpuId}:jobs`;
export const groupOf = (qpuId: string): string => `qpu:${qpuId}:workers`;
export const statusOf = (jobId: string): string => `qpu:job:${jobId}:status`;
export const cancelOf = (jobId: string): string => `qpu:job:cancelled:${jobId}`;

export const CONNECT_PATH = '/api/internal/qpu/connect';
export const HEARTBEAT_PATH = '/api/internal/qpu/heartbeat';
export const WEBHOOK_PATH = '/api/internal/qpu/webhook';

/** A Bell pair: what every small job runs. */
export const BELL = JSON.stringify(bell('cz').ir);
export const SHOTS = 1000;

/** A circuit of `gates` gates on 20 qubits, a few megabytes for 100,000. */
export function largeCircuit(gates: number): string {
  const ir = {
    ...bell('cz').ir,
    num_qubits: 20,
    gates: Array.from({ length: gates }, (_, i) =>
      i % 4 === 3
        ? { gate: 'cz', qubits: [i % 20, (i + 1) % 20], params: [] }
        : { gate: ['rx', 'ry', 'rz'][i % 3] ?? 'rx', qubits: [i % 20], params: [((i * 7919) % 6283) / 1000] },
    ),
  };
  return JSON.stringify(ir);
}
