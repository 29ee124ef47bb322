// When a lost connection to Redis is made again.
import type { Redis } from 'ioredis';

/** Below the 10 s within which a node must be consuming again once Redis is back. */
const LONGEST_RECONNECT_MS = 5_000;

/** Connections whose next attempt waits for nothing. */
const hurried = new WeakSet<Redis>();

/** A random time between half of `ms` and `ms`, so that many nodes do not return to one server at the same moment. */
export function jitter(ms: number): number {
  return ms / 2 + (Math.random() * ms) / 2;
}

/** How long to wait before the attempt with this number. */
export function reconnectDelay(redis: Redis, times: number): number {
  return hurried.delete(redis) ? 0 : jitter(Math.min(LONGEST_RECONNECT_MS, 50 * 2 ** Math.min(times, 10)));
}

/** Connects anew at once: the network is another one, or works again, or the connection has to lead elsewhere. What is sent
 *  over a connection of before may never arrive, and an attempt in progress may have sent its first packet while there was
 *  no network. */
export function reconnectNow(redis: Redis): void {
  if (redis.status === 'reconnecting') redis.connect().catch(() => {});
  else if (redis.status !== 'end') {
    hurried.add(redis);
    redis.stream?.destroy();
  }
}
