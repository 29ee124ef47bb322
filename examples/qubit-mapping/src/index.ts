// Finds a place on the device for each circuit: qubits that are connected where the circuit needs it, and not broken.
// A circuit that does not fit is refused, in the words of this plugin.
import { ConfigError, definePlugin, JobError, type NativeGateIR } from 'coda-node';
import { graphOf, placeOf, type Graph } from './place.ts';

/** A circuit cannot name more (PROTOCOL §4). */
const MOST_QUBITS = 50;

const plugin = definePlugin({
  name: 'qubit-mapping',
  options: {
    type: 'object',
    properties: {
      broken: {
        type: 'array',
        items: { type: 'integer', minimum: 0 },
        default: [],
        description: 'qubits that no circuit gets',
      },
      maxSteps: {
        type: 'integer',
        minimum: 1,
        default: 100_000,
        description: 'how long to search for one circuit',
      },
    },
  },
  apply(node, { broken, maxSteps }) {
    let device: Graph = new Map();

    node.hooks.start.tap('qubit-mapping', () => {
      const { directedEdges, logicalEdges } = node.executor.device ?? {};
      const edges = directedEdges?.length ? directedEdges : logicalEdges;
      if (edges === undefined || edges.length === 0) {
        throw new ConfigError(`the executor ${node.executorSource} does not say which qubits are connected`, {
          remedy: 'Give the executor a `device` with its edges, or remove the plugin qubit-mapping.',
        });
      }
      const usable = edges.filter((edge) =>
        edge.every((qubit) => qubit < MOST_QUBITS && !broken.includes(qubit)),
      );
      device = graphOf(usable, edges === directedEdges);
    });

    node.hooks.prepare.tap('qubit-mapping', (circuit, job) => {
      const place = placeOf(circuit, device, maxSteps);
      // A JobError is the plugin's word to whoever sent the job: the cloud gets it as it is.
      if (typeof place === 'string') throw new JobError(`this circuit does not fit on the device: ${place}`);
      job.annotate('qubits', [...place]);
      return moved(circuit, place, Math.max(...device.keys()) + 1);
    });
  },
});

export default plugin;

declare module 'coda-node' {
  interface PluginOptions {
    'coda-plugin-qubit-mapping': typeof plugin;
  }
}

/** The circuit on other qubits. The order of its measurements stays, so the counts are those of the circuit. */
function moved(circuit: NativeGateIR, place: readonly number[], numQubits: number): NativeGateIR {
  const to = (qubit: number): number => place[qubit] ?? qubit;
  return {
    ...circuit,
    num_qubits: numQubits,
    gates: circuit.gates.map((gate) => ({ ...gate, qubits: gate.qubits.map(to) })),
    measurements: circuit.measurements.map(to),
  };
}
