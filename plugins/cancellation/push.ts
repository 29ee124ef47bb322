// Cancel signals by push: Redis itself says when a key with their prefix is written, on a connection that does nothing else.
// Deletion and expiry are told in the same way, so every key is confirmed before it counts.
import { messageOf, type CodaNode, type Logger } from '../../src/index.ts';
import { CANCEL_KEY_PREFIX, jobIdOfCancelKey } from '../../src/kit.ts';
import type { Look } from './look.ts';

const CHANNEL = '__redis__:invalidate';

export interface Push {
  readonly works: boolean;
  /** Tries to set it up again, if the connection is there. */
  retry(): void;
  close(): void;
}

export function openPush(node: CodaNode, log: Logger, look: Look): Push {
  const redis = node.redis('cancel-push', {
    // `invalidate` comes as a message only under RESP2.
    protocol: 2,
    // The order of the commands counts, so nothing is repeated by the client: each `ready` starts anew.
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
  });
  /** Counts connections: what belongs to a lost one is of no interest any more. */
  let connection = 0;
  let works = false;
  let settingUp = false;
  let closed = false;
  let complaint = '';

  async function setUp(mine: number): Promise<void> {
    settingUp = true;
    try {
      const id = String(await redis.client('ID'));
      await redis.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', CANCEL_KEY_PREFIX);
      await redis.subscribe(CHANNEL);
      if (mine !== connection) return;
      works = true;
      complaint = '';
      log.debug('Redis tells cancels by push');
      // What was written before the subscription is told by nobody.
      look.atAll();
    } catch (thrown) {
      if (mine !== connection || closed) return;
      const text = `Redis does not tell cancels by push, so they are polled for: ${messageOf(thrown)}`;
      if (text !== complaint) log.warn(text);
      complaint = text;
    } finally {
      if (mine === connection) settingUp = false;
    }
  }

  function received(channel: Buffer, keys: unknown): void {
    if (channel.toString() !== CHANNEL) return;
    // No list of keys: everything was flushed.
    if (!Array.isArray(keys)) return look.atAll();
    look.at(keys.map((key) => jobIdOfCancelKey(String(key))).filter((jobId) => jobId !== undefined));
  }

  redis.on('ready', () => {
    connection += 1;
    void setUp(connection);
  });
  redis.on('close', () => {
    connection += 1;
    works = false;
    settingUp = false;
  });
  redis.on('messageBuffer', received);
  // The connection comes back by itself; until then jobs are polled for.
  redis.on('error', (error: unknown) => log.debug(`the push connection failed: ${messageOf(error)}`));

  return {
    get works() {
      return works;
    },
    retry() {
      if (redis.status === 'ready' && !settingUp) void setUp(connection);
    },
    close() {
      closed = true;
    },
  };
}
