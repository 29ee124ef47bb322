// What a run returns: its form, its keys, its shots.
import { isPlainObject, isRecord, kindOf, shown } from '../../protocol/text.ts';
import { checkResult } from '../../device/result.ts';
import { messageOf } from '../../errors.ts';
import type { Check } from '../check.ts';
import { ordinary } from '../circuits.ts';
import { Fault } from '../verdict.ts';

const SHOTS = 20;
/** One, an odd number, a round one. */
const SEVERAL = [1, 7, 100] as const;
const KNOWN = new Set([
  ...['counts', 'executionTimeMs', 'execution_time_ms', 'shotsCompleted', 'shots_completed'],
  ...['memory', 'metadata'],
]);

export const RESULT_CHECKS: readonly Check[] = [
  {
    id: 'result',
    title: 'a run returns counts, how long it took, and how many shots it made',
    why: 'A result of another form is not sent: the node fails the job, and what was measured is lost.',
    needs: [],
    shots: () => SHOTS,
    async run(lab) {
      const value = await lab.raw(ordinary(lab.terms), SHOTS);
      if (!isRecord(value)) throw wrongForm(`run returned ${kindOf(value)} instead of a result`);
      try {
        checkResult(withPlainKeys(value), undefined, undefined, '', false);
      } catch (thrown) {
        throw wrongForm(messageOf(thrown).split('\n  → ')[0] ?? '');
      }
      const time = Number(value['executionTimeMs'] ?? value['execution_time_ms']);
      if (time < 0) {
        lab.warn(
          `executionTimeMs is ${time}`,
          'Take the time with performance.now(), in milliseconds; a wall clock may be set back.',
          'The cloud is sent 0 instead.',
        );
      }
      for (const field of Object.keys(value).filter((name) => !KNOWN.has(name))) {
        lab.warn(
          `the result has the field ${shown(field)}, which nobody gets`,
          'Put it into `metadata`, which plugins see, or leave it out.',
          'The cloud takes counts, time and shots alone.',
        );
      }
      return undefined;
    },
  },
  {
    id: 'bitstrings',
    title: 'the keys of counts are bitstrings, with one bit for each measurement',
    why: 'The node fails a job with other keys, as the cloud could not tell which qubit a bit belongs to.',
    needs: ['result'],
    shots: () => SHOTS,
    async run(lab) {
      const ir = ordinary(lab.terms);
      const { counts } = (await lab.raw(ir, SHOTS)) as { counts: Readonly<Record<string, unknown>> };
      const bits = ir.measurements.length;
      const wrong = Object.keys(counts).find((key) => !/^[01]*$/.test(key) || key.length !== bits);
      if (wrong === undefined) return undefined;
      throw new Fault(
        `counts has the key ${shown(wrong, 60)}, for a circuit with ${bits} measurements`,
        `Write keys of ${bits} characters 0 and 1, with leading zeros: state.toString(2).padStart(ir.measurements.length, '0').`,
      );
    },
  },
  {
    id: 'shots',
    title: 'a run makes as many shots as it is asked for, and says how many',
    why: 'The cloud computes probabilities from the shots, and may bill them.',
    needs: ['bitstrings'],
    shots: () => SEVERAL.reduce((sum, shots) => sum + shots, 0),
    async run(lab) {
      for (const shots of SEVERAL) {
        const { shotsCompleted } = await lab.run(ordinary(lab.terms), shots);
        if (shotsCompleted > shots || shotsCompleted === 0) {
          throw new Fault(
            `a run of ${shots} ${shots === 1 ? 'shot' : 'shots'} says that it has completed ${shotsCompleted}`,
            'Pass `shots` to the device, and return as shotsCompleted how many it has really made.',
          );
        }
        if (shotsCompleted < shots) {
          lab.warn(
            `a run of ${shots} shots has completed ${shotsCompleted}`,
            'Make all of them. If the device stops early, that is what shotsCompleted is for.',
            'Users get less than they have asked for.',
          );
          return undefined;
        }
      }
      return undefined;
    },
  },
  {
    id: 'partial-shots',
    title: 'the counts add up to shotsCompleted',
    why: 'Users divide counts by shotsCompleted: if the two disagree, their probabilities do not add up to 1.',
    needs: ['bitstrings'],
    shots: () => 100,
    async run(lab) {
      const { counts, shotsCompleted } = await lab.run(ordinary(lab.terms), 100);
      const sum = Object.values(counts).reduce((total, count) => total + count, 0);
      if (sum > shotsCompleted) {
        throw new Fault(
          `the counts add up to ${sum}, and shotsCompleted is ${shotsCompleted}`,
          'Count each shot once, and return as shotsCompleted how many were counted.',
        );
      }
      if (sum < shotsCompleted) {
        lab.warn(
          `the counts add up to ${sum}, and shotsCompleted is ${shotsCompleted}`,
          'Return as shotsCompleted how many shots were counted, unless the device discards some on purpose.',
        );
      }
      return undefined;
    },
  },
  {
    id: 'circuit-unchanged',
    title: 'a run leaves its circuit as it was',
    why: 'Plugins see the same circuit, and a batch that fails is run again from it. If a plugin looks at jobs, the circuit is frozen, and a change throws.',
    needs: ['result'],
    shots: () => SHOTS,
    async run(lab) {
      const ir = ordinary(lab.terms);
      const before = JSON.stringify(ir);
      await lab.raw(ir, SHOTS);
      if (JSON.stringify(ir) === before) return undefined;
      throw new Fault(
        'the circuit was another one after the run',
        'Copy what you change: structuredClone(ir), [...ir.gates], [...ir.measurements].',
      );
    },
  },
];

function wrongForm(what: string): Fault {
  return new Fault(
    what,
    'Return { counts: { "00": 512, "11": 512 }, executionTimeMs: 12.5, shotsCompleted: 1024 }, with plain numbers; in Python ' +
      'these are execution_time_ms and shots_completed.',
  );
}

/** The same values under keys that are bitstrings: the keys are another check. */
function withPlainKeys(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { counts } = value;
  if (!isPlainObject(counts)) return value;
  const values = Object.values(counts).map((count, i) => [i.toString(2), count] as const);
  return { ...value, counts: Object.fromEntries(values) };
}
