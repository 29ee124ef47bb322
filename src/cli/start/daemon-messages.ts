// The messages between `coda start --daemon` and the daemon that it starts. No other process can read their pipe.
import type { Flags } from '../../config/environment.ts';

/** From the command to the daemon, once. */
export interface DaemonOrder {
  readonly flags: Flags;
  readonly configPath: string | undefined;
  /** The log's path. The daemon has it open as its standard output and error. */
  readonly log: string;
  /** Environment variables that must not show in a process list. */
  readonly secretEnv: Readonly<Record<string, string>>;
}

/** From the daemon to the command. */
export type DaemonReport =
  | { readonly kind: 'up' }
  | {
      readonly kind: 'state';
      readonly ready: boolean;
      readonly paused: boolean;
      readonly reasons: readonly string[];
    }
  | { readonly kind: 'failed'; readonly text: string };
