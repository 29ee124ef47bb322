// Few connections, however many are opened: each takes a descriptor, which Redis and the disk need.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** A connection too many displaces the one that has been idle for the longest; if none is, the oldest. */
export function capConnections(server: Server, most: number): void {
  const idle = new Set<Socket>();
  const busy = new Set<Socket>();
  server.on('connection', (socket) => {
    if (idle.size + busy.size >= most) {
      const [displaced] = idle.size > 0 ? idle : busy;
      if (displaced !== undefined) {
        idle.delete(displaced);
        busy.delete(displaced);
        displaced.destroy();
      }
    }
    idle.add(socket);
    socket.once('close', () => {
      idle.delete(socket);
      busy.delete(socket);
    });
  });
  server.on('request', ({ socket }, response) => {
    if (idle.delete(socket)) busy.add(socket);
    response.once('close', () => {
      if (busy.delete(socket) && !socket.destroyed) idle.add(socket);
    });
  });
}
