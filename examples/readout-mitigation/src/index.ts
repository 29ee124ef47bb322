// Corrects the readout errors of each qubit in the measured counts, with the error rates of a calibration file.
import { definePlugin } from 'coda-node';
import { readRates } from './rates.ts';
import { mitigate } from './mitigate.ts';

const plugin = definePlugin({
  name: 'readout-mitigation',
  options: {
    type: 'object',
    properties: {
      file: { type: 'string', format: 'path', default: 'calibration.json', description: 'the error rates' },
      maxQubits: {
        type: 'integer',
        minimum: 1,
        maximum: 20,
        default: 14,
        description: 'results with more measurements are left as they are',
      },
      firstMeasurement: {
        enum: ['left', 'right'],
        default: 'left',
        description: 'the end of a bitstring at which the executor puts the first measurement',
      },
    },
  },
  apply(node, { file, maxQubits, firstMeasurement }) {
    // The device is at work again meanwhile. If this throws, the job fails in the name of the plugin, and what was
    // measured is kept for the operator (`coda results`).
    node.hooks.mapResult.tapPromise('readout-mitigation', async (result, job) => {
      const { measurements } = job.ir;
      if (measurements.length === 0 || measurements.length > maxQubits) return;
      const { id, qubits } = await readRates(file);
      const inOrder = firstMeasurement === 'left' ? measurements : measurements.toReversed();
      const { counts, negative } = mitigate(result.counts, inOrder, qubits);
      job.annotate('readout-mitigation', { calibration: id, negative });
      return { ...result, counts };
    });
  },
});

export default plugin;

declare module 'coda-node' {
  interface PluginOptions {
    'coda-plugin-readout-mitigation': typeof plugin;
  }
}
