// Runs inside a network namespace of the lab, as a process of its own, and does there what the test asks for over IPC:
// in the server's namespace it is the cloud, in the client's it looks at what can be reached.
import { createServer, connect, type Server } from 'node:net';
import { once } from 'node:events';
import { startLocalCloud, type LocalCloud } from '../../../../src/testing/index.ts';
import type { Call, Inside } from './calls.ts';

let cloud: LocalCloud | undefined;
let vpnTerms: Readonly<Record<string, unknown>> = { required: false };
const forwarders = new Map<string, Server>();

const inside: Inside = {
  async startCloud(privateHost) {
    cloud = await startLocalCloud({
      bundle: (bundle) => {
        const redis = new URL(String(bundle['redis_url']));
        redis.hostname = privateHost;
        return { ...bundle, redis_url: redis.href, webapp_url: onHost(privateHost), vpn: vpnTerms };
      },
    });
    const ports = [cloud.url, cloud.redisUrl].map((url) => Number(new URL(url).port));
    for (const port of ports) await forward(privateHost, port);
    return { port: ports[0] ?? 0 };
  },
  setVpn: async (terms) => void (vpnTerms = terms),
  openPublic: (host) => forward(host, Number(new URL(running().url).port)),
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
  async get(url) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) });
      return { status: answer.status, body: await answer.text() };
    } catch (thrown) {
      return { status: 0, body: String(thrown) };
    }
  },
};

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
