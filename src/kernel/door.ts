// Who may have the running node do something, over its HTTP port: a local run, or an action of its page. Provided by the
// plugin `door`.
import type { IncomingMessage } from 'node:http';
import type { Trouble } from '../errors.ts';
import type { Outcome } from '../protocol/webhook.ts';
import { serviceKey } from './services.ts';

/** Why a request is refused; for the answer. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly text: string;
  readonly remedy: string;
}

export interface Door {
  /** Why this request may do nothing; undefined if it may: it has the token, and comes from no other page. */
  refusal(request: IncomingMessage): Refusal | undefined;
}

/** Runs a circuit on the node's device: the body is `{ ir, shots, name }`, `ir` NativeGateIR as text. The answer has one
 *  `LocalRunStep` a line, as JSON. To hang up stops the run. */
export const LOCAL_RUN_PATH = '/local/run';

export type LocalRunStep =
  | { readonly step: 'beat' }
  /** `behind`: the job that has the device. */
  | { readonly step: 'waiting'; readonly behind: string | null }
  | { readonly step: 'running'; readonly jobId: string }
  | {
      readonly step: 'ended';
      readonly jobId: string;
      /** Where the executor comes from. */
      readonly executor: string;
      readonly outcome: Outcome | { readonly status: 'cancelled' };
      /** Of a failed one: continues "failed". */
      readonly where: string | null;
    }
  /** It has not run. */
  | { readonly step: 'refused'; readonly error: string };

export const DOOR = serviceKey<Door>('door');

/** Why a node in this phase runs no circuit of the operator; undefined if it does. */
export function whyNoRun(phase: 'booting' | 'running' | 'draining' | 'closed'): Trouble | undefined {
  if (phase === 'running') return undefined;
  if (phase === 'booting')
    return { text: 'the node is still starting', remedy: 'Try again once it is ready: coda status.' };
  return {
    text: 'the node is shutting down and starts no run any more',
    remedy: 'Run it again once the node has started again.',
  };
}
