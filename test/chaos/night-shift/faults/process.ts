// What happens to the node's process, and what its operator does at the wrong moment.
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { NOTHING, type Fault } from '../fault.ts';
import { EVERYWHERE } from '../place.ts';
import type { Night } from '../night.ts';

const byItself = (): void => {};
const SUSPENDED_MS = 4_000;

/** Somebody else listens where the node is to listen. */
async function takePort(night: Night): Promise<void> {
  const server: Server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  night.node.env['CODA_PORT'] = String(typeof address === 'object' ? address?.port : '');
  night.repair = async () => {
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
  night.world.onClose(() => void server.close());
}

export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'kill -9',
    node: 'dies',
    inject: ({ node }) => node.signal('SIGKILL'),
    heal: byItself,
    cause: /killed|SIGKILL|ended without|did not end/i,
    remedy: NOTHING,
    where: ['status'],
    after: ['log'],
  },
  {
    name: 'the machine is suspended (SIGSTOP, SIGCONT)',
    async inject(night) {
      // A job runs meanwhile: the executor is not to blame.
      await night.job('job', 1_000);
      night.node.signal('SIGSTOP');
      await sleep(SUSPENDED_MS);
      night.node.signal('SIGCONT');
    },
    heal: byItself,
    cause: /suspend|stopped|asleep|stood still/i,
    remedy: /suspend|sleep|machine/i,
    never: /the executor[^\n]*should do long work|coda reset/,
    where: ['log'],
  },
  {
    name: 'SIGHUP to a daemon',
    prepare: ({ node }) => void (node.isDaemon = true),
    inject: ({ node }) => node.signal('SIGHUP'),
    heal: byItself,
    cause: /SIGHUP/,
    remedy: /reopen|log/i,
    where: ['log'],
    flows: true,
  },
  {
    name: 'the terminal is closed (SIGHUP)',
    node: 'dies',
    async inject(night) {
      const { node } = night;
      node.signal('SIGHUP');
      const code = await node.ended(20_000);
      if (code !== 0) throw new Error(`it ended with ${code}, not by a drain`);
    },
    heal: byItself,
    cause: /SIGHUP|terminal/,
    remedy: /finishing|drain|daemon/i,
    where: ['log'],
  },
  {
    name: 'the port is taken',
    node: 'refuses',
    inject: takePort,
    heal: (night) => night.repair(),
    cause: /port \d+[^\n]*(taken|in use)/,
    remedy: /--port|CODA_PORT/,
    where: ['doctor', 'log'],
  },
  {
    name: 'a second node on the same state directory',
    async inject({ node }) {
      const { code } = await node.run(['start'], { loud: true });
      if (code !== 1) throw new Error(`the second node ended with ${code}, not refused`);
    },
    heal: byItself,
    cause: /another node \(PID \d+\)/,
    remedy: /stop|state|CODA_STATE_DIR/i,
    where: ['log'],
    flows: true,
  },
  {
    name: 'a broken config file while the node runs',
    inject: (night) => night.write('coda.config.ts', 'export default { oops'),
    async heal(night) {
      night.remove('coda.config.ts');
      await night.node.must('resume');
    },
    cause: /coda\.config\.ts/,
    remedy: /coda\.config\.ts[^]*(:\d|line \d|Unexpected|expected)/i,
    where: ['doctor'],
    flows: true,
    async meanwhile({ node }) {
      for (const words of [['status'], ['results', 'list'], ['pause'], ['resume'], ['pause']])
        await node.must(...words);
    },
  },
  {
    name: 'paused, and forgotten',
    inject: ({ node }) => node.must('pause', '--reason', 'moving the fridge'),
    heal: ({ node }) => node.must('resume'),
    cause: /paused[^\n]*moving the fridge/,
    remedy: /coda resume/,
    where: EVERYWHERE,
  },
  {
    name: 'the pipe of a command is closed',
    inject: byItself,
    heal: byItself,
    cause: NOTHING,
    remedy: NOTHING,
    where: [],
    flows: true,
    async meanwhile({ node }) {
      const said = await node.runIntoClosedPipe('status');
      if (/EPIPE|\bat .*:\d+:\d+/.test(said)) throw new Error(`it ends with a stack:\n${said}`);
    },
  },
];
