// What goes wrong each minute: troubles of the chaos suite, each for some seconds.
import { fillUp, freeUp } from '../chaos/small-disk.ts';
import type { FaultProxy } from '../chaos/fault-proxy.ts';
import type { Stage } from './stage.ts';

export interface Fault {
  readonly name: string;
  readonly needsSmallDisk?: true;
  /** Causes it, and ends it once `away` has resolved. */
  readonly happen: (stage: Stage, away: () => Promise<void>) => Promise<void>;
}

export const FAULTS: readonly Fault[] = [
  fault('connections to Redis cut', ({ redisProxy }) => redisProxy.cut()),
  fault(
    'Redis half-open',
    ({ redisProxy }) => redisProxy.set({ kind: 'swallow', directions: ['up', 'down'] }),
    ({ redisProxy }) => redisProxy.heal(),
  ),
  fault(
    'Redis frozen',
    ({ redisServer }) => redisServer.kill('SIGSTOP'),
    ({ redisServer }) => redisServer.kill('SIGCONT'),
  ),
  fault(
    'Redis killed, restarted empty',
    ({ redisServer }) => redisServer.kill(),
    async ({ redisServer, load }) => {
      await redisServer.restart();
      await load.addAgain();
    },
  ),
  fault('cloud gone', (stage) => all(stage, (proxy) => proxy.refuse()), healCloud),
  fault(
    'cloud cut off',
    (stage) => all(stage, (proxy) => proxy.set({ kind: 'hold', directions: ['up', 'down'] })),
    healCloud,
  ),
  fault(
    'cloud answers 503',
    (stage) => {
      stage.cloud.fail('heartbeat', { status: 503 });
      stage.sink.mood = '503';
    },
    healCloud,
  ),
  fault('cloud answers late', ({ sink }) => void (sink.mood = 'late'), healCloud),
  fault(
    'node stopped (SIGSTOP)',
    ({ node }) => node.signal('SIGSTOP'),
    ({ node }) => node.signal('SIGCONT'),
  ),
  {
    ...fault(
      'disk full',
      ({ node }) => fillUp(node.stateDir),
      ({ node }) => freeUp(node.stateDir),
    ),
    needsSmallDisk: true,
  },
];

/** Another life begins. */
export const KILL: Fault = {
  name: 'kill -9',
  async happen({ node, book }) {
    await node.kill();
    book.noteKill(await node.savedJobs());
    node.start();
    await node.serving();
  },
};

function fault(
  name: string,
  begin: (stage: Stage) => unknown,
  end: (stage: Stage) => unknown = () => {},
): Fault {
  return {
    name,
    async happen(stage, away) {
      await begin(stage);
      await away();
      await end(stage);
    },
  };
}

async function all({ cloudProxies }: Stage, act: (proxy: FaultProxy) => unknown): Promise<void> {
  for (const proxy of cloudProxies) await act(proxy);
}

async function healCloud(stage: Stage): Promise<void> {
  stage.cloud.heal();
  stage.sink.mood = 'well';
  await all(stage, (proxy) => proxy.heal());
}
