// A Redis says where the stream is. It cannot send the node to where no request may go.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { it } from 'node:test';
import { closeRedis, openRedis } from '../../src/net/redis.ts';
import { slotOf } from '../../src/net/redis/shards.ts';

it('a server that redirects to a metadata service is not followed there', async (t) => {
  const streamKey = 'qpu:q:jobs';
  // A false Redis: it answers each command with a redirection.
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const commands = data.toString().match(/^\*/gm)?.length ?? 0;
      socket.write(`-MOVED ${slotOf(streamKey)} 169.254.169.254:80\r\n`.repeat(commands));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const redis = openRedis({
    url: `redis://127.0.0.1:${port}`,
    name: 'test',
    env: {},
    streamKey,
    options: { enableReadyCheck: false, maxRetriesPerRequest: 0 },
  });
  t.after(() => closeRedis(redis));
  const refused = new Promise<Error>((resolve) => redis.on('error', resolve));
  await assert.rejects(redis.xlen(streamKey), /MOVED/);
  assert.match((await refused).message, /no connection is made: 169\.254\.169\.254 is a link-local address/);
});
