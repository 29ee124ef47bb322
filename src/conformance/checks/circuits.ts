// Which circuits an executor takes: all that the cloud may send for its device.
import { messageOf } from '../../errors.ts';
import type { Check } from '../check.ts';
import { circuit, deep, flip, oneOfEach, wide } from '../circuits.ts';
import type { Terms } from '../terms.ts';
import { Fault } from '../verdict.ts';

const SHOTS = 20;

export const CIRCUIT_CHECKS: readonly Check[] = [
  {
    id: 'device',
    title: 'its device has edges between qubits that exist',
    why: "The cloud's compiler places gates on these edges, and nowhere else.",
    needs: [],
    shots: () => 0,
    run(lab) {
      const { edges, numQubits } = lab.terms;
      if (edges === null)
        return Promise.resolve('it reports no edges: the cloud takes all pairs as connected');
      const loop = edges.find(([a, b]) => a === b);
      if (loop !== undefined) {
        throw new Fault(
          `the edge [${loop.join(', ')}] leads from a qubit to itself`,
          'Leave it out of device.directedEdges or logicalEdges.',
        );
      }
      const far = edges.find((edge) => edge.some((qubit) => qubit >= numQubits));
      if (far !== undefined) {
        throw new Fault(
          `the edge [${far.join(', ')}] is of a device with more qubits than ${numQubits}`,
          `Number the qubits from 0, or say how many there are: CODA_NUM_QUBITS, --qubits.`,
        );
      }
      return Promise.resolve(`${edges.length} edges`);
    },
  },
  {
    id: 'gates',
    title: 'it runs each gate of its target',
    why: 'The cloud compiles to any of them; a gate that is refused fails the jobs of whoever used it.',
    needs: ['bitstrings'],
    shots: (terms) => SHOTS * oneOfEach(terms).length,
    async run(lab) {
      const failed: string[] = [];
      const names = oneOfEach(lab.terms);
      for (const [name, ir] of names) {
        await lab.run(ir, SHOTS).catch((thrown: unknown) => failed.push(`${name}: ${messageOf(thrown)}`));
      }
      if (failed.length === 0) return names.map(([name]) => name).join(' ');
      throw new Fault(
        `target ${lab.terms.target}: ${failed.join('; ')}`,
        'Translate each of these gates for the device. `id` is a pause of params[0] nanoseconds; all other params are radians.',
      );
    },
  },
  {
    id: 'subsets',
    title: 'it measures any of its qubits in any order, or none',
    why: 'Circuits measure the qubits that their authors ask for: a key with other bits fails the job.',
    needs: ['bitstrings'],
    shots: (terms) => SHOTS * subsets(terms).length,
    async run(lab) {
      for (const measurements of subsets(lab.terms)) {
        try {
          await lab.run(circuit(lab.terms, [flip(lab.terms.qubits[0] ?? 0)], measurements), SHOTS);
        } catch (thrown) {
          throw new Fault(
            `with the measurements [${measurements.join(', ')}]: ${messageOf(thrown)}`,
            'Make the key from ir.measurements: its k-th entry is the qubit whose outcome is the k-th bit, also if a qubit is there twice. Without measurements the only key is the empty text.',
          );
        }
      }
      return undefined;
    },
  },
  {
    id: 'empty',
    title: 'it takes a circuit without gates',
    why: 'Users send it to try a device, and compilers make it of gates that cancel out.',
    needs: ['bitstrings'],
    shots: () => SHOTS,
    run: (lab) =>
      runs(() => lab.run(circuit(lab.terms, []), SHOTS), 'Return what is measured of qubits that are all 0.'),
  },
  {
    id: 'deep',
    title: 'it takes a circuit of a thousand gates',
    why: 'Compiled circuits are long; the node takes up to 100,000 gates.',
    needs: ['bitstrings'],
    shots: () => SHOTS,
    run: (lab) =>
      runs(
        () => lab.run(deep(lab.terms), SHOTS),
        'Send the circuit to the device in one piece or in several, without a limit of your own on its length.',
      ),
  },
  {
    id: 'wide',
    title: 'it takes a circuit on all of its qubits and edges',
    why: 'The cloud sends circuits of up to as many qubits as the device is said to have.',
    needs: ['bitstrings'],
    shots: () => SHOTS,
    async run(lab) {
      await runs(
        () => lab.run(wide(lab.terms), SHOTS),
        'Run it, or say how many qubits there are: CODA_NUM_QUBITS, --qubits.',
      );
      return `${lab.terms.qubits.length} qubits`;
    },
  },
];

async function runs(run: () => Promise<unknown>, how: string): Promise<undefined> {
  try {
    await run();
  } catch (thrown) {
    throw new Fault(messageOf(thrown), how);
  }
  return undefined;
}

/** One qubit, some of them backwards, one twice, none. */
function subsets({ qubits }: Terms): readonly (readonly number[])[] {
  const last = qubits.at(-1) ?? 0;
  const backwards = qubits.slice(0, 3).toReversed();
  return [[last], ...(backwards.length > 1 ? [backwards, backwards.slice(0, 2)] : []), [last, last], []];
}
