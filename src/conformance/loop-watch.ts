// How long the event loop stands still while something runs.

const TICK_MS = 10;

export interface LoopWatch {
  readonly longestMs: number;
  stop(): void;
}

/** Watches until `stop`. What blocks the loop at the very end counts, too. */
export function watchLoop(): LoopWatch {
  let last = performance.now();
  let longestMs = 0;
  const look = (): void => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last - TICK_MS);
    last = now;
  };
  const timer = setInterval(look, TICK_MS);
  return {
    get longestMs() {
      return longestMs;
    },
    stop() {
      clearInterval(timer);
      look();
    },
  };
}
