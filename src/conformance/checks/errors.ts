// What a run says that fails, and whether the executor is in order afterwards.
import { messageOf } from '../../errors.ts';
import { shown } from '../../protocol/text.ts';
import type { Check } from '../check.ts';
import { ordinary, tooWide } from '../circuits.ts';
import { Fault, LeftOut } from '../verdict.ts';

const SHOTS = 20;
/** A circuit has no more (PROTOCOL §4). */
const MOST_QUBITS = 50;
/** The cloud gets no more of an error. */
const LONGEST_ERROR = 500;

export const ERROR_CHECKS: readonly Check[] = [
  {
    id: 'errors',
    title: 'a run that fails says why, and the next one works',
    why: 'The text is all that users and operators see of the failure.',
    needs: ['subsets', 'wide', 'after-cancel', 'idle-cancel'],
    shots: () => 2 * SHOTS,
    unless: ({ irQubits }) =>
      irQubits >= MOST_QUBITS ? 'no circuit is too large for a device of 50 qubits' : undefined,
    async run(lab) {
      const ir = tooWide(lab.terms, MOST_QUBITS);
      let thrown: unknown;
      try {
        lab.checked(await lab.start(ir, SHOTS).result, ir);
        throw new LeftOut(`it runs a circuit of ${MOST_QUBITS} qubits too, so no run could be made to fail`);
      } catch (caught) {
        if (caught instanceof LeftOut || caught instanceof Fault) throw caught;
        thrown = caught;
      }
      const text = messageOf(thrown);
      checkText(thrown, text);
      if (text.length > LONGEST_ERROR) {
        lab.warn(
          `the message has ${text.length} characters`,
          'Keep it short, with the cause first.',
          `The cloud gets ${LONGEST_ERROR}.`,
        );
      }
      await lab.run(ordinary(lab.terms), SHOTS).catch((later: unknown) => {
        throw new Fault(
          `after a run that failed, the next one fails too: ${messageOf(later)}`,
          'Put the device and the executor back in order before the failed run ends: in a finally block.',
          'One bad circuit must not fail the jobs after it.',
        );
      });
      return shown(text.split('\n')[0], 100);
    },
  },
];

function checkText(thrown: unknown, text: string): void {
  const how =
    "Throw an error that names what failed and where: new ExecutorError('the laser of qubit 3 has lost its lock', { remedy: '…' }).";
  if (!(thrown instanceof Error)) {
    throw new Fault(`what it threw is no Error, but ${shown(thrown)}`, how);
  }
  if (thrown.message.trim() === '') throw new Fault('the error has no message', how);
  if (/^\S{0,12}$/.test(text.trim()) || text.includes('[object Object]')) {
    throw new Fault(`the message ${shown(text)} does not say what failed`, how);
  }
  if (/\n {4}at /.test(text)) throw new Fault('the message has a stack trace in it', how);
}
