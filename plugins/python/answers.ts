// What the Python process answers, as the node takes it.
import { ExecutorDiedError, ExecutorError, type Edge, type ExecutionResult } from '../../src/index.ts';
import type { Head, PythonHost } from './host.ts';

/** The answer of a run that has ended by itself; throws if it has no result. */
export function settled(answer: Head): Head {
  if (answer.t === 'result' || answer.t === 'results') return answer;
  throw answer.t === 'ended' ? new ExecutorError('the run was cancelled') : failureOf(answer);
}

/** The node checks it, as that of any executor. */
export function resultOf(answer: Readonly<Record<string, unknown>>): ExecutionResult {
  const { counts, execution_time_ms: executionTimeMs, shots_completed: shotsCompleted, error } = answer;
  if (typeof error === 'string') return new ExecutorError(error) as unknown as ExecutionResult;
  return { counts, executionTimeMs, shotsCompleted } as unknown as ExecutionResult;
}

/** The message as Python has it, and the traceback in place of a stack. */
function failureOf(head: Head): ExecutorError | ExecutorDiedError {
  if (head['out_of_memory'] === true) {
    return new ExecutorDiedError(
      `the Python process of the executor ran out of memory: ${String(head['message'])}`,
    );
  }
  const error = new ExecutorError(String(head['message']));
  if (typeof head['traceback'] === 'string') error.stack = head['traceback'];
  return error;
}

export function showTraceback(host: PythonHost, traceback: unknown): void {
  if (typeof traceback !== 'string') return;
  for (const line of traceback.split('\n')) host.output.line(line);
}

export function isEdges(value: unknown): value is Edge[] {
  return Array.isArray(value) && value.every((edge) => Array.isArray(edge) && edge.length === 2);
}
