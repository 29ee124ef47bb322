// Who asks the health server: somebody on this machine, or anybody else.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** A proxy on this machine passes on what others ask. What it says of them is not believed, only that it is one. */
const OF_PROXIES = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/**
 * Whether a request comes from this machine: from a loopback address, and with a loopback `Host`, since a web page can
 * have a browser on this machine ask in its name (DNS rebinding). `bound`: the address that the server listens on; if it
 * is one address of this machine, what comes from that address comes from this machine, too.
 */
export function isFromThisMachine({ socket, headers }: IncomingMessage, bound: string): boolean {
  const peer = plainAddress(socket.remoteAddress ?? '');
  const isOwn = (address: string): boolean =>
    isLoopback(address) || (isOneAddress(bound) && address === bound);
  const isOwnHost = (host: string): boolean => {
    const name = nameOf(host);
    return name === 'localhost' || isOwn(name);
  };
  const { host = '', origin } = headers;
  return (
    isOwn(peer) &&
    isOwnHost(host) &&
    (origin === undefined || isOwnHost(origin.replace(/^https?:\/\//, ''))) &&
    !OF_PROXIES.some((name) => headers[name] !== undefined)
  );
}

/** The name or address in `localhost:8080` or `[::1]:8080`. */
function nameOf(host: string): string {
  const [, bracketed, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host.toLowerCase()) ?? [];
  return bracketed ?? name;
}

function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

function isOneAddress(bound: string): boolean {
  return isIP(bound) !== 0 && bound !== '0.0.0.0' && bound !== '::';
}

/** An IPv4 peer of an IPv6 socket is `::ffff:127.0.0.1`. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
