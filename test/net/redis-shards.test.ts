// What is known of the servers of a cluster that come and go.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { it, type TestContext } from 'node:test';
import { Shards } from '../../src/net/redis/shards.ts';
import { waitUntil } from '../../src/testing/index.ts';

const HOST = '127.0.0.1';

it('a server with the address of one that has left the cluster is not called unreachable', async (t) => {
  const gone = await serve(t, () => '+OK\r\n');
  const { port: address } = gone;
  gone.server.close();
  let places: number[] = [];
  const { port } = await serve(t, (command) => (/slots/i.test(command) ? slotsOf(places) : '+OK\r\n'));
  places = [port, address];
  const shards = new Shards({
    places: [{ host: HOST, port }],
    redisOptions: { maxRetriesPerRequest: 0, enableReadyCheck: false },
    onLook: () => {},
  });
  t.after(() => shards.close());
  const look = (): Promise<unknown> => shards.ownerOf(0);
  const unreachable = (): number | undefined => shards.unreachable(undefined)?.place.port;
  await waitUntil('its fault', async () => {
    await look();
    return unreachable() === address;
  });
  places = [port];
  await look();
  places = [port, address];
  // The look that finds it, before any connection to it can have been made.
  await look();
  assert.deepEqual(
    shards.primaries.map((place) => place.port).toSorted((a, b) => a - b),
    places.toSorted((a, b) => a - b),
  );
  assert.equal(unreachable(), undefined);
});

/** A false Redis. */
async function serve(
  t: TestContext,
  answerTo: (command: string) => string,
): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const command of data.toString().split(/^\*/m).slice(1)) socket.write(answerTo(command));
    });
  });
  t.after(() => server.close());
  server.listen(0, HOST);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** The answer to CLUSTER SLOTS: half of the slots are at each of these ports, or all at one. */
function slotsOf(ports: readonly number[]): string {
  const each = 16_384 / ports.length;
  const ranges = ports.map(
    (port, i) =>
      `*3\r\n:${i * each}\r\n:${(i + 1) * each - 1}\r\n*2\r\n$${HOST.length}\r\n${HOST}\r\n:${port}\r\n`,
  );
  return `*${ports.length}\r\n${ranges.join('')}`;
}
