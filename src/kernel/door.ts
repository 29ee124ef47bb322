// Who may have the running node do something, over its HTTP port: a local run, or an action of its page. Provided by the
// plugin `door`.
import type { IncomingMessage } from 'node:http';
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

export const DOOR = serviceKey<Door>('door');
