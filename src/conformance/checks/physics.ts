// Whether the counts are those of the circuits. A perfect device passes always, a noisy one practically always: the bounds
// are five standard deviations away from the noise that is allowed.
import { shown } from '../../protocol/text.ts';
import type { Check } from '../check.ts';
import { bellPair, certainties, circuit, flip } from '../circuits.ts';
import type { Lab } from '../lab.ts';
import type { Terms } from '../terms.ts';
import { Fault } from '../verdict.ts';

type Counts = Readonly<Record<string, number>>;

const SHOTS = 160;
/** To see which outcome is the most frequent one. */
const ORDER_SHOTS = 64;
const PAIR_SHOTS = 1024;
const SIGMAS = 5;
/** Enough to tell every order from another. */
const MOST_QUBITS = 3;
/** Spread over the device. */
const MOST_FLIPPED = 8;
const unclaimed = ({ physics }: Terms): string | undefined =>
  physics ? undefined : 'it is not said to follow physics (--physics)';

export const PHYSICS_CHECKS: readonly Check[] = [
  {
    id: 'flip',
    title: 'an X makes a 1 of a 0',
    why: 'If that is not so, no result means anything.',
    needs: ['subsets', 'empty'],
    shots: (terms) => SHOTS * flips(terms).length,
    unless: unclaimed,
    async run(lab) {
      for (const { what, gates, qubit, outcome } of flips(lab.terms)) {
        const fault = outcomeFault(await measured(lab, gates, [qubit]), outcome, lab.terms.noise);
        if (fault === undefined) continue;
        throw new Fault(
          `qubit ${qubit} after ${what}: ${fault}`,
          'Run the gates of ir.gates on the device, each on its own qubits, beginning with all qubits at 0.',
        );
      }
      return undefined;
    },
  },
  {
    id: 'bit-order',
    title: 'the k-th bit of a key is the k-th measured qubit',
    why: 'The cloud passes keys on as they are: with another order users take one qubit for another.',
    needs: ['flip'],
    shots: (terms) => ORDER_SHOTS * orders(terms).length,
    unless: (terms) => unclaimed(terms) ?? (terms.qubits.length < 2 ? 'it has one qubit' : undefined),
    async run(lab) {
      const { firstBit } = lab.terms;
      for (const [i, { measurements, flipped }] of orders(lab.terms).entries()) {
        const bits = measurements.map((qubit) => (qubit === flipped ? '1' : '0'));
        const wanted = (firstBit === 'left' ? bits : bits.toReversed()).join('');
        const counts = await measured(lab, [flip(flipped)], measurements, ORDER_SHOTS);
        const found = mostFrequent(counts);
        if (found === wanted) continue;
        // Measured in ascending order, only a reversed key is wrong.
        const isReversed = i === 0 && found === wanted.split('').toReversed().join('');
        throw new Fault(
          `an X on qubit ${flipped}, measured as [${measurements.join(', ')}], gave ${shown(found)}, not ${shown(wanted)}`,
          isReversed
            ? `Reverse each key: [...key].reverse().join(''). If your cloud expects the first measurement on the ${firstBit === 'left' ? 'right' : 'left'}, say so: --first-bit ${firstBit === 'left' ? 'right' : 'left'}.`
            : 'Build the key from ir.measurements, in its order, and not from the order of the qubits.',
        );
      }
      return undefined;
    },
  },
  {
    id: 'gate-physics',
    title: 'each gate of its target does what it is defined to do',
    why: 'A gate with a wrong sign or angle gives results that look plausible, and are wrong.',
    needs: ['flip', 'gates'],
    shots: (terms) => SHOTS * certainties(terms).length,
    unless: unclaimed,
    async run(lab) {
      const wrong: string[] = [];
      for (const { what, gates, measured: qubit, outcome } of certainties(lab.terms)) {
        const fault = outcomeFault(await measured(lab, gates, [qubit]), outcome, lab.terms.noise);
        if (fault !== undefined) wrong.push(`${what}: ${fault}`);
      }
      if (wrong.length === 0) return undefined;
      throw new Fault(
        wrong.join('; '),
        'Compare the gate with its definition: rx, ry and rz turn by params[0] radians, rx(θ) = exp(-iθX/2); x90 is rx(π/2), y_minus_90 is ry(-π/2); qubits of cnot are [control, target].',
      );
    },
  },
  {
    id: 'bell',
    title: 'the qubits of a Bell pair agree, and are 0 and 1 equally often',
    why: 'It is the smallest circuit that needs superposition, entanglement and shots that are independent.',
    needs: ['gate-physics'],
    shots: () => PAIR_SHOTS,
    unless: (terms) =>
      unclaimed(terms) ?? (terms.pairs.length === 0 ? 'it has no two qubits that are connected' : undefined),
    async run(lab) {
      const [pair] = lab.terms.pairs;
      if (pair === undefined) return undefined;
      const { counts } = await lab.run(bellPair(lab.terms, pair), PAIR_SHOTS);
      const { noise } = lab.terms;
      const zeros = shareOf(counts, '00');
      const ones = shareOf(counts, '11');
      const how = 'Check the gate on two qubits, and that each shot is measured anew.';
      if (1 - zeros - ones > allowed(1 - (1 - noise) ** 2, PAIR_SHOTS)) {
        throw new Fault(`the two qubits disagree in ${percent(1 - zeros - ones)} of the shots`, how);
      }
      if (Math.abs(zeros - ones) / 2 > noise / 2 + SIGMAS * (0.5 / Math.sqrt(PAIR_SHOTS))) {
        throw new Fault(
          `00 has ${percent(zeros)} of the shots, and 11 has ${percent(ones)}, not half each`,
          how,
        );
      }
      return `00 ${percent(zeros)}, 11 ${percent(ones)}`;
    },
  },
];

async function measured(
  lab: Lab,
  gates: Parameters<typeof circuit>[1],
  measurements: readonly number[],
  shots = SHOTS,
): Promise<Counts> {
  return (await lab.run(circuit(lab.terms, gates, measurements), shots)).counts;
}

/** One qubit that is left alone, and several that are flipped. */
function flips({ qubits }: Terms) {
  const step = Math.ceil(qubits.length / MOST_FLIPPED);
  const flipped = qubits.filter((_, i) => i % step === 0);
  return [
    { what: 'no gate', gates: [], qubit: qubits[0] ?? 0, outcome: '0' as const },
    ...flipped.map((qubit) => ({ what: 'rx(π)', gates: [flip(qubit)], qubit, outcome: '1' as const })),
  ];
}

/** Measurements of which no two qubits can be exchanged unseen. */
function orders({ qubits }: Terms): readonly { measurements: readonly number[]; flipped: number }[] {
  const few = qubits.slice(0, MOST_QUBITS);
  const [first = 0, second = 0] = few;
  const last = few.at(-1) ?? 0;
  return [
    { measurements: few, flipped: first },
    { measurements: few.toReversed(), flipped: first },
    { measurements: [last, ...few.filter((qubit) => qubit !== last)], flipped: last },
    { measurements: [second, second, first], flipped: second },
  ];
}

function outcomeFault(counts: Counts, outcome: '0' | '1', noise: number): string | undefined {
  const wrong = 1 - shareOf(counts, outcome);
  if (wrong <= allowed(noise, SHOTS)) return undefined;
  return `${percent(wrong)} of the shots gave ${outcome === '1' ? '0' : '1'}, and should have given ${outcome}`;
}

/** A share that a device with just this share exceeds less than once in a million times. */
function allowed(share: number, shots: number): number {
  return share + SIGMAS * Math.sqrt((share * (1 - share)) / shots);
}

function shareOf(counts: Counts, outcome: string): number {
  const sum = Object.values(counts).reduce((total, count) => total + count, 0);
  return sum === 0 ? 0 : (counts[outcome] ?? 0) / sum;
}

function mostFrequent(counts: Counts): string {
  const [most = ['', 0]] = Object.entries(counts).toSorted(([, a], [, b]) => b - a);
  return most[0];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
