// What `coda start --daemon` and the daemon that it starts say to each other, over a pipe that nobody else can read.
import type { Flags } from '../../config/environment.ts';

/** From the command to the daemon, once. */
export interface DaemonOrder {
  readonly flags: Flags;
  readonly configPath: string | undefined;
  /** The log, which is open as the daemon's standard output and error. */
  readonly log: string;
  /** The variables that a process list must not show. */
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
