// A slow line, in its own process. Every chunk takes half a round trip in each direction; bandwidth is not limited.
// Connections open at once; only data is delayed.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { serve } from './remote.ts';

export type DelayApi = typeof api;

const api = {
  /** A port that leads to `port`, half of `rttMs` away. */
  async open({ port, rttMs }: { readonly port: number; readonly rttMs: number }): Promise<number> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
      const far = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
      carry(near, far, rttMs / 2);
      carry(far, near, rttMs / 2);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
};
serve(api);

/** Timers of the same length fire in the order in which they were set, so chunks stay in order. */
function carry(from: Socket, to: Socket, ms: number): void {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), ms));
  from.on('end', () => setTimeout(() => to.end(), ms));
  from.on('error', () => to.destroy());
  from.on('close', () => setTimeout(() => to.destroy(), ms));
}
