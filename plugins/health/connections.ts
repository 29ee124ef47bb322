// Few connections, however many are opened: each takes a descriptor, which Redis and the disk need.
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const MOST = 128;
const FEWEST = 8;
/** Of the descriptors that the process may have. */
const SHARE = 1 / 8;
/** Assumed if the limit is not known; the least that systems give. */
const ASSUMED_LIMIT = 256;

/** How many connections the health server may have at a time. */
export function mostConnections(): number {
  return Math.min(MOST, Math.max(FEWEST, Math.floor(descriptorLimit() * SHARE)));
}

function descriptorLimit(): number {
  try {
    const [, soft] =
      /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? ASSUMED_LIMIT : soft === 'unlimited' ? Infinity : Number(soft);
  } catch {
    // Not Linux.
    return ASSUMED_LIMIT;
  }
}

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
