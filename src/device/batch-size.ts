// Asks the plugins how many waiting jobs the device takes at once.
import type { Hooks } from '../hooks.ts';
import type { Logger } from '../log.ts';
import { messageOf } from '../errors.ts';
import { isTapped } from '../kernel/tap.ts';

/** 1 if no plugin says more, or if the one that should has failed. */
export function batchSize(hooks: Hooks, waiting: number, log: Logger): number {
  if (!isTapped(hooks.batchSize)) return 1;
  try {
    const size = hooks.batchSize.call(waiting) ?? 1;
    return Number.isInteger(size) && size > 0 ? size : 1;
  } catch (thrown) {
    log.debug(messageOf(thrown));
    return 1;
  }
}
