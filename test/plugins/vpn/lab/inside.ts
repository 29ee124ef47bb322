// Runs inside a network namespace of the lab, as a process of its own, and does there what the test asks for over IPC:
// in the server's namespace it is the cloud, in the client's it looks at what can be reached.
import { lookup } from 'node:dns/promises';
import { createServer, connect, type Server } from 'node:net';
import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { startLocalCloud, type LocalCloud } from '../../../../src/testing/index.ts';
import { groupName, streamKey } from '../../../../src/protocol/keys.ts';
import { closeRedis, openRedis } from '../../../../src/net/redis.ts';
import type { Call, Inside } from './calls.ts';
import { serveNames } from './names.ts';

let cloud: LocalCloud | undefined;
let bundleHost = '127.0.0.1';
let vpnTerms: Readonly<Record<string, unknown>> = { required: false };
const forwarders = new Map<string, Server>();

const inside: Inside = {
  async startCloud(privateHost) {
    bundleHost = privateHost;
    cloud = await startLocalCloud({
      bundle: (bundle) => {
        const redis = new URL(String(bundle['redis_url']));
        redis.hostname = bundleHost;
        return { ...bundle, redis_url: redis.href, webapp_url: onHost(bundleHost), vpn: vpnTerms };
      },
    });
    await inside.openPublic(privateHost);
    return { port: Number(new URL(cloud.url).port) };
  },
  setHost: async (host) => void (bundleHost = host),
  serveNames: async (address, names) => void (await serveNames(address, names)),
  setVpn: async (terms) => void (vpnTerms = terms),
  resolve: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
  async openPublic(host) {
    for (const url of [running().url, running().redisUrl]) await forward(host, Number(new URL(url).port));
  },
  async closePublic(host) {
    for (const [key, server] of forwarders) if (key.startsWith(`${host}:`)) server.close();
  },
  issueToken: async () => running().issueToken(),
  submit: (privateHost, ir) =>
    running().submit({
      ir,
      shots: 10,
      raw: { callback_url: `${onHost(privateHost)}/api/internal/qpu/webhook` },
    }),
  state: async (jobId) => (await running().status(jobId))['state'] ?? 'queued',
  result: async (jobId) => running().results.get(jobId)?.status ?? 'none',
  deliveries: async () => running().deliveries.length,
  violations: async () => [...running().violations],
  stopCloud: () => running().close(),
  forgetNodes: () =>
    withRedis(async (redis) => {
      const clients = String(await redis.call('CLIENT', 'LIST'));
      for (const [, id = ''] of clients.matchAll(/^id=(\d+) .* name=coda-node:/gm))
        await redis.call('CLIENT', 'KILL', 'ID', id);
    }),
  redisState: () =>
    withRedis(async (redis) => {
      const { qpuId } = running();
      const [key, group] = [streamKey(qpuId), groupName(qpuId)];
      const asked = [
        ['CLIENT', 'LIST'],
        ['XINFO', 'CONSUMERS', key, group],
        ['XPENDING', key, group, '-', '+', '50'],
        ['XLEN', key],
      ];
      const answers = asked.map(async ([name = '', ...args]) => {
        const reply = await redis.call(name, ...args).catch(String);
        return `${name} ${args.join(' ')}: ${typeof reply === 'string' ? reply : JSON.stringify(reply)}`;
      });
      return (await Promise.all(answers)).join('\n');
    }),
  async get(url) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) });
      return { status: answer.status, body: await answer.text() };
    } catch (thrown) {
      return { status: 0, body: String(thrown) };
    }
  },
};

async function withRedis<T>(use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = openRedis({ url: running().redisUrl, name: 'lab', env: {} });
  try {
    return await use(redis);
  } finally {
    closeRedis(redis);
  }
}

function running(): LocalCloud {
  if (cloud === undefined) throw new Error('the cloud does not run');
  return cloud;
}

function onHost(host: string): string {
  return `http://${host}:${new URL(running().url).port}`;
}

/** The cloud and its Redis listen on loopback only: this makes them reachable on an address of the namespace. */
async function forward(host: string, port: number): Promise<void> {
  const server = createServer((socket) => {
    const target = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    socket.pipe(target).pipe(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  forwarders.set(`${host}:${port}`, server);
}

process.on('message', ({ id, method, args }: Call) => {
  const call = inside[method] as (...args: readonly unknown[]) => Promise<unknown>;
  call(...args).then(
    (result) => process.send?.({ id, result }),
    (thrown: unknown) => process.send?.({ id, error: String(thrown) }),
  );
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.send?.({ id: 0 });
