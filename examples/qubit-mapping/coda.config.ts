// For `coda dev` in this folder: the simulator plays a device whose eight qubits are a ring.
import { defineConfig, type Edge } from 'coda-node';

const ring = Array.from({ length: 8 }, (_, qubit): Edge => [qubit, (qubit + 1) % 8]);

export default defineConfig({
  executor: 'simulator',
  plugins: [
    ['./src/index.ts', { broken: [1] }],
    {
      name: 'device',
      apply: ({ hooks }) => hooks.wrapExecutor.tap('device', () => ({ device: { logicalEdges: ring } })),
    },
  ],
});
