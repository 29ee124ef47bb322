// How a command's process ends: by a signal, although something keeps it alive, and not because its output is lost.
import { terminal } from './output.ts';
import { failureText } from './failure.ts';

const LAST_OUTPUT_MS = 500;

/**
 * Aborted by the first SIGINT, SIGTERM or SIGHUP, or if nobody reads standard output any more, so that the command can
 * clean up. A second SIGINT or SIGTERM exits at once.
 */
export function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', () => controller.abort());
  process.stdout.on('error', () => controller.abort());
  return controller.signal;
}

/**
 * From now on a closed pipe or a full disk under standard output or error ends nothing. The returned function says
 * whether output was lost that somebody waits for: a reader that has closed its pipe, such as `head`, wants no more.
 */
export function outliveOutput(): () => string | undefined {
  let lost: string | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') lost ??= error.message;
  });
  process.stderr.on('error', () => {});
  return () => lost;
}

/**
 * Shows an error that nobody catches as all other text is shown, and without secrets; then the process ends as it does
 * without this. Code that handles such errors itself keeps it.
 */
export function showUncaught(masked: (text: string) => string): void {
  process.on('uncaughtException', (thrown) => {
    if (process.listenerCount('uncaughtException') > 1) return;
    terminal(process.stderr).error(masked(failureText(thrown)));
    process.exit(1);
  });
}

/** For the end of a command: the node is closed, but a run that was abandoned may keep the process alive for ever. */
export function exitSoon(): void {
  setTimeout(() => process.exit(), LAST_OUTPUT_MS).unref();
}
