// What a check of `coda doctor` finds, and what it is given to look at.
import type { LoadedConfig } from '../../config/load.ts';
import type { HttpClient } from '../../net/http.ts';
import type { FoundNode } from '../local-node/find.ts';
import type { Live } from '../local-node/live.ts';

export type Level = 'ok' | 'warning' | 'failure';

export interface Finding {
  readonly check: string;
  readonly level: Level;
  /** One line. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export interface Patient {
  readonly config: LoadedConfig;
  readonly configPath: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly http: HttpClient;
  /** The node that runs here, and its own account of itself. */
  readonly node: FoundNode | undefined;
  readonly live: Live | undefined;
  /** Whether the cloud may be asked for more than a sign of life. */
  readonly online: boolean;
}

export type Check = (patient: Patient) => Finding[] | Promise<Finding[]>;

export function ok(check: string, message: string): Finding {
  return { check, level: 'ok', message };
}

export function warning(check: string, message: string, remedy: string): Finding {
  return { check, level: 'warning', message, remedy };
}

export function failure(check: string, message: string, remedy: string): Finding {
  return { check, level: 'failure', message, remedy };
}

/** Resolves as `work` does, or throws after `ms`. */
export async function soon<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
