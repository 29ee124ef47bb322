// What a check of `coda doctor` gets, and what it returns.
import type { LoadedConfig } from '../../config/load.ts';
import type { HttpClient } from '../../net/http.ts';
import { withDeadline } from '../../net/timing.ts';
import type { FoundNode } from '../local-node/find.ts';
import type { Live } from '../local-node/live.ts';

/** Advice: all works, and could be safer. */
export type Level = 'ok' | 'advice' | 'warning' | 'failure';

export interface Finding {
  readonly check: string;
  readonly level: Level;
  /** One line. */
  readonly message: string;
  /** What the operator can do about it. */
  readonly remedy?: string;
}

export interface DoctorContext {
  readonly config: LoadedConfig;
  readonly configPath: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly http: HttpClient;
  /** The node that runs here, and the body of its `/ready`. */
  readonly node: FoundNode | undefined;
  readonly live: Live | undefined;
  /** Whether the credentials may be tried at the cloud. */
  readonly online: boolean;
}

export type Check = (context: DoctorContext) => Finding[] | Promise<Finding[]>;

export function ok(check: string, message: string): Finding {
  return { check, level: 'ok', message };
}

export function advice(check: string, message: string, remedy: string): Finding {
  return { check, level: 'advice', message, remedy };
}

export function warning(check: string, message: string, remedy: string): Finding {
  return { check, level: 'warning', message, remedy };
}

export function failure(check: string, message: string, remedy: string): Finding {
  return { check, level: 'failure', message, remedy };
}

/** The value of `work`, or an Error that names `what` after `ms` milliseconds. */
export function answerWithin<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  return withDeadline(work, ms, `${what}: no answer within ${ms / 1000} s`);
}
