// Executors that are wrong in one thing each.
import type { Gate } from '../../src/index.ts';
import {
  fail,
  gates,
  goOn,
  having,
  independent,
  keys,
  LONG_SHOTS,
  refusing,
  returning,
  Rig,
  running,
  zeros,
  type Run,
} from './rig.ts';

/** Which check should find what, the executor, and what is said of it. */
export const BROKEN: readonly (readonly [id: string, what: string, factory: () => unknown, says: RegExp])[] =
  [
    ['load', 'a factory that throws', fail(new Error('no laser')), /its factory threw: no laser/],
    [
      'load',
      'a factory of something else',
      () => ({ execute() {} }),
      /an object with execute, not an executor/,
    ],
    [
      'load',
      'a batchRun that is a list',
      having({ batchRun: [] }),
      /batchRun must be a function, but is a list/,
    ],
    ['result', 'nothing', returning(() => undefined), /run returned undefined instead of a result/],
    [
      'result',
      'a Map of counts',
      returning((result) => ({ ...result, counts: new Map(Object.entries(result.counts)) })),
      /counts must be a plain object, got a Map/,
    ],
    ['result', 'no time', returning(({ counts }) => ({ counts, shotsCompleted: 1 })), /executionTimeMs/],
    ['result', 'a run that always fails', running(fail(new Error('cold'))), /the run failed: cold/],
    [
      'bitstrings',
      'keys without leading zeros',
      keys((key) => key.replace(/^0+(?=.)/, '')),
      /counts has the key '0', for a circuit with 5 measurements/,
    ],
    ['bitstrings', 'hexadecimal keys', keys((key) => `0x${key}`), /counts has the key '0x/],
    [
      'shots',
      'always 1024 shots',
      running((run, ir, shots, context) => run(ir, shots < LONG_SHOTS ? 1024 : shots, context)),
      /a run of 1 shot says that it has completed 1024/,
    ],
    [
      'partial-shots',
      'each shot counted twice',
      returning((result) => ({
        ...result,
        counts: Object.fromEntries(Object.entries(result.counts).map(([key, count]) => [key, 2 * count])),
      })),
      /the counts add up to 200, and shotsCompleted is 100/,
    ],
    [
      'circuit-unchanged',
      'a gate added to the circuit',
      running((run, ir, ...more) => {
        (ir.gates as Gate[]).push({ gate: 'id', qubits: [0], params: [1] });
        return run(ir, ...more);
      }),
      /the circuit was another one after the run/,
    ],
    [
      'device',
      'an edge of one qubit',
      having({
        device: {
          directedEdges: [
            [0, 1],
            [1, 1],
          ],
        },
      }),
      /\[1, 1\] leads/,
    ],
    [
      'gates',
      'no id',
      refusing(
        (ir) => ir.gates.some(({ gate }) => gate === 'id'),
        fail(new Error('the gate id is not known')),
      ),
      /target cz: id: the run failed: the gate id is not known/,
    ],
    [
      'subsets',
      'all qubits measured, always',
      running((run, ir, ...more) => run({ ...ir, measurements: [0, 1, 2, 3, 4] }, ...more)),
      /with the measurements \[4\]: .*bitstring of 1 bit/,
    ],
    [
      'empty',
      'no circuit without gates',
      refusing((ir) => ir.gates.length === 0, fail(new Error('nothing to do'))),
      /nothing to do/,
    ],
    [
      'deep',
      'at most 500 gates',
      refusing((ir) => ir.gates.length > 500, fail(new Error('too many gates'))),
      /too many gates/,
    ],
    [
      'wide',
      'at most three qubits',
      refusing(
        (ir) => new Set(ir.gates.flatMap(({ qubits }) => qubits)).size > 3,
        fail(new Error('too many qubits')),
      ),
      /too many qubits/,
    ],
    [
      'errors',
      'an error without words',
      refusing((ir) => ir.num_qubits > 5, fail(new Error(''))),
      /no message/,
    ],
    [
      'errors',
      'a code in place of an error',
      refusing((ir) => ir.num_qubits > 5, fail(7)),
      /no Error, but 7/,
    ],
    [
      'errors',
      'a failure that lasts',
      () => {
        const rig = new Rig();
        let isBroken = false;
        return Object.assign(rig, {
          run(...args: Parameters<Run>) {
            isBroken ||= args[0].num_qubits > 5;
            return isBroken ? fail(new Error('the queue is stuck'))() : Rig.prototype.run.apply(rig, args);
          },
        });
      },
      /after a run that failed, the next one fails too: the run failed: the queue is stuck/,
    ],
    [
      'batch',
      'a result too few',
      () => {
        const rig = new Rig();
        const batchRun: Rig['batchRun'] = async (jobs, context) =>
          (await Rig.prototype.batchRun.call(rig, jobs, context)).slice(1);
        return Object.assign(rig, { batchRun });
      },
      /batchRun returned 1 results for 2 jobs/,
    ],
    [
      'batch-order',
      'results in the order of their shots',
      () => {
        const rig = new Rig();
        const batchRun: Rig['batchRun'] = async (jobs, context) =>
          (await Rig.prototype.batchRun.call(rig, jobs, context)).toSorted(
            (a, b) => a.shotsCompleted - b.shotsCompleted,
          );
        return Object.assign(rig, { batchRun });
      },
      /jobs with 11, 13, 12 shots got results with 11, 12, 13/,
    ],
    [
      'flip',
      'zeros, whatever the gates',
      running((run, ir, shots, context) => run({ ...ir, gates: [] }, shots, context)),
      /qubit 0 after rx\(π\): 100\.0 % of the shots gave 0, and should have given 1/,
    ],
    ['bit-order', 'keys in reverse', keys((key) => key.split('').toReversed().join('')), /Reverse each key/],
    [
      'bit-order',
      'keys in the order of the qubits',
      running((run, ir, ...more) =>
        run({ ...ir, measurements: ir.measurements.toSorted((a, b) => a - b) }, ...more),
      ),
      /Build the key from ir\.measurements/,
    ],
    [
      'gate-physics',
      'rz the other way round',
      gates((gate) => (gate.gate === 'rz' ? { ...gate, params: gate.params.map((angle) => -angle) } : gate)),
      /quarter turns of rx, rz and ry/,
    ],
    [
      'gate-physics',
      'cz without its phase',
      gates((gate) => (gate.gate === 'cz' ? { gate: 'id', qubits: [0], params: [1] } : gate)),
      /cz flips the phase if both qubits are 1/,
    ],
    [
      'bell',
      'qubits that are measured each for itself',
      returning((result, ir) => independent(result, ir)),
      /the two qubits disagree in \d+\.\d % of the shots/,
    ],
    [
      'cancel',
      'a run that cannot be stopped',
      running((run, ir, shots, context) =>
        shots < LONG_SHOTS ? run(ir, shots, context) : goOn(context.signal).then(() => zeros(ir, shots)),
      ),
      /as late as one that nobody cancels/,
    ],
    [
      'after-cancel',
      'a cancel that lasts',
      () => {
        const rig = new Rig();
        let isCancelled = false;
        return Object.assign(rig, {
          async run(...args: Parameters<Run>) {
            if (isCancelled) throw new Error('cancelled');
            try {
              return await Rig.prototype.run.apply(rig, args);
            } catch (thrown) {
              isCancelled = args[1] >= LONG_SHOTS;
              throw thrown;
            }
          },
        });
      },
      /the run failed: cancelled/,
    ],
    [
      'idle-cancel',
      'a cancel that waits for the next run',
      () => {
        const rig = new Rig();
        let isAsked = false;
        let isRunning = false;
        return Object.assign(rig, {
          async run(...args: Parameters<Run>) {
            if (isAsked) {
              isAsked = false;
              throw new Error('cancelled before it began');
            }
            isRunning = true;
            try {
              return await Rig.prototype.run.apply(rig, args);
            } finally {
              isRunning = false;
            }
          },
          cancelCurrentJob() {
            if (isRunning) Rig.prototype.cancelCurrentJob.call(rig);
            else isAsked = true;
          },
        });
      },
      /after it was called with nothing running, the run failed: cancelled before it began/,
    ],
    [
      'idle-cancel',
      'a cancel that throws',
      having({ cancelCurrentJob: fail(new Error('no job')) }),
      /threw: no job/,
    ],
    [
      'close',
      'a close that throws',
      having({ close: fail(new Error('still warm')) }),
      /close failed: still warm/,
    ],
  ];

/** What is only warned of. */
export const ODD: typeof BROKEN = [
  [
    'result',
    'a time below zero',
    returning((result) => ({ ...result, executionTimeMs: -1 })),
    /executionTimeMs is -1/,
  ],
  ['result', 'another field', returning((result) => ({ ...result, fidelity: 0.9 })), /the field 'fidelity'/],
  [
    'shots',
    'fewer shots',
    running((run, ir, shots, context) => run(ir, shots < 100 || shots > 1024 ? shots : shots - 1, context)),
    /a run of 100 shots has completed 99/,
  ],
  [
    'partial-shots',
    'discarded shots',
    returning((result) => {
      const [[key, count] = ['', 0], ...rest] = Object.entries(result.counts).toSorted(
        ([, a], [, b]) => b - a,
      );
      return { ...result, counts: Object.fromEntries([[key, Math.max(1, count - 1)], ...rest]) };
    }),
    /the counts add up to 99, and shotsCompleted is 100/,
  ],
  [
    'signal',
    'a signal that nobody hears',
    running(async (run, ir, shots, context) => {
      const unheard = run(ir, shots, { ...context, signal: new AbortController().signal });
      const [result] = await Promise.all([unheard, shots < LONG_SHOTS ? undefined : goOn(context.signal)]);
      return result;
    }),
    /the run goes on although its signal has fired/,
  ],
];
