// Cancel signals by push: Redis reports every write to a key with their prefix, on a connection that does nothing else.
// It reports deletion and expiry in the same way, so each key is checked before its job is cancelled.
import { messageOf, type CodaNode, type Logger } from '../../src/index.ts';
import {
  CANCEL_KEY_PREFIX,
  isConnectionFault,
  jobIdOfCancelKey,
  redisTrouble,
  type Trouble,
} from '../../src/kit.ts';
import type { CancelCheck } from './check.ts';

const CHANNEL = '__redis__:invalidate';

export interface Push {
  readonly works: boolean;
  /** Why it does not work, if so; others report a lost connection. */
  readonly trouble: Trouble | undefined;
  /** Subscribes again if the connection is up. */
  retry(): void;
  close(): void;
}

export function openPush(node: CodaNode, log: Logger, check: CancelCheck): Push {
  const redis = node.redis('cancel-push', {
    // Only RESP2 delivers `invalidate` as a message.
    protocol: 2,
    // The order of the commands matters, so the client must not repeat any: each `ready` starts from the beginning.
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
  });
  let trouble: Trouble | undefined;
  /** Counts connections, so that the set-up of a lost one can be ignored. */
  let connection = 0;
  let works = false;
  let settingUp = false;
  let closed = false;

  async function setUp(mine: number): Promise<void> {
    settingUp = true;
    try {
      const id = String(await redis.client('ID'));
      await redis.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id, 'BCAST', 'PREFIX', CANCEL_KEY_PREFIX);
      await redis.subscribe(CHANNEL);
      if (mine !== connection) return;
      works = true;
      trouble = undefined;
      log.debug('Redis reports cancels by push');
      // Redis does not report what was written before the subscription.
      check.all();
    } catch (thrown) {
      if (mine !== connection || closed) return;
      if (isConnectionFault(thrown)) return;
      const { text, remedy } = redisTrouble(thrown, redis);
      trouble = { text: `Redis does not report cancels by push, so they are polled: ${text}`, remedy };
      log.debug(trouble.text);
    } finally {
      if (mine === connection) settingUp = false;
    }
  }

  function received(channel: Buffer, keys: unknown): void {
    if (channel.toString() !== CHANNEL) return;
    // No list of keys: the database was flushed.
    if (!Array.isArray(keys)) return check.all();
    check.some(keys.map((key) => jobIdOfCancelKey(String(key))).filter((jobId) => jobId !== undefined));
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
  // The client reconnects by itself; until then the signals are polled.
  redis.on('error', (error: unknown) => log.debug(`the push connection failed: ${messageOf(error)}`));

  return {
    get works() {
      return works;
    },
    get trouble() {
      return trouble;
    },
    retry() {
      if (redis.status === 'ready' && !settingUp) void setUp(connection);
    },
    close() {
      closed = true;
    },
  };
}
