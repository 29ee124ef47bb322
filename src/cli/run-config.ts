// Who ends the process. Code of others that does it, or that waits for what never comes, must not end a command without
// a word.
import { loadNodeConfig } from '../compose.ts';
import type { LoadedConfig } from '../config/load.ts';
import { terminal } from './terminal/output.ts';

const SLOW_MS = 5_000;

/** Loads the configuration for a command that runs code from it. What takes long in that code, or ends the process, is
 *  named, and then the exit code is not 0. */
export async function runConfig(input: Parameters<typeof loadNodeConfig>[0]): Promise<LoadedConfig> {
  const say = (text: string): void => terminal(process.stderr).error(`coda: ${text}`);
  const onExit = (code: number): void => {
    const caller = callerOfExit();
    say(
      caller === undefined
        ? 'the config file, or a plugin in it, waits for something that never comes'
        : `process.exit(${code}) was called while the config file was loaded, ${caller}\n` +
            '  → Throw an error there instead: it is shown with its place.',
    );
    process.exitCode = code === 0 || caller === undefined ? 1 : code;
  };
  const slow = setTimeout(() => say(`the config file has not loaded within ${SLOW_MS / 1000} s`), SLOW_MS);
  slow.unref();
  process.on('exit', onExit);
  try {
    return await loadNodeConfig(input);
  } finally {
    clearTimeout(slow);
    process.off('exit', onExit);
  }
}

/** Node calls the handlers of `exit` inside process.exit, so the stack tells who called it; undefined if nobody did. */
export function callerOfExit(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const frames = (new Error().stack ?? '').split('\n').map((line) => line.trim());
  Error.stackTraceLimit = limit;
  const at = frames.findIndex((frame) => /\bprocess\.(exit|reallyExit)\b/.test(frame));
  if (at === -1) return undefined;
  const caller = frames.slice(at + 1).find((frame) => !frame.includes('node:'));
  return caller ?? 'by code that cannot be told';
}
