// How a command's process ends: by a signal, and although something keeps it alive.

const LAST_OUTPUT_MS = 500;

/** Aborted by the first SIGINT or SIGTERM, so that the command can clean up; the second exits at once. */
export function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}

/** For the end of a command: the node is closed, but a run that was abandoned may keep the process alive for ever. */
export function exitSoon(): void {
  setTimeout(() => process.exit(), LAST_OUTPUT_MS).unref();
}
