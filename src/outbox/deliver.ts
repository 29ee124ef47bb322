// One attempt to deliver an outcome, by the plugins that tap the hook `deliver`.
import { messageOf } from '../errors.ts';
import type { Hooks } from '../hooks.ts';
import type { SavedOutcome } from '../jobs/job.ts';
import { deepFrozen } from '../kernel/frozen.ts';
import { isTapped, onlyLook } from '../kernel/tap.ts';
import { deliveryFault, type Delivery } from './delivery.ts';

const NOT_DELIVERED: Delivery = { kind: 'retry', reason: 'no plugin delivers results', sent: false };

/** Never rejects. */
export async function deliver(hooks: Hooks, saved: SavedOutcome, attempt: number): Promise<Delivery> {
  // The built-in plugin alone changes nothing.
  const shown = hooks.deliver.taps.length > 1 ? deepFrozen({ ...saved }) : saved;
  const began = performance.now();
  let delivery: Delivery;
  try {
    delivery = (await hooks.deliver.promise(shown, attempt)) ?? NOT_DELIVERED;
    const fault = deliveryFault(delivery);
    // To try again would give the same answer.
    if (fault !== undefined)
      delivery = { kind: 'refused', reason: whoAnswered(hooks, fault), byCloud: false };
  } catch (thrown) {
    delivery = { kind: 'retry', reason: messageOf(thrown), sent: false };
  }
  if (isTapped(hooks.afterDeliver)) {
    const tookMs = performance.now() - began;
    const isSafe = onlyLook(hooks.afterDeliver);
    const seen = isSafe ? saved : deepFrozen({ ...saved });
    void hooks.afterDeliver.promise(seen, attempt, isSafe ? delivery : deepFrozen(delivery), tookMs);
  }
  return delivery;
}

/** The last tap is the built-in plugin, if it is there: another one has answered before it. */
function whoAnswered({ deliver: { taps } }: Hooks, fault: string): string {
  const others = taps.map(({ name }) => name).filter((name) => name !== 'webhook' || taps.length === 1);
  return `plugin ${others.map((name) => `'${name}'`).join(' or ')} failed in deliver: ${fault}`;
}
