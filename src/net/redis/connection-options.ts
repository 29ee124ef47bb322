// What each connection to Redis is opened with, whichever server it leads to.
import { isIP } from 'node:net';
import type { RedisAddress } from '../../protocol/urls.ts';
import { extraCertificates } from '../certificates.ts';
import { AddressConnector } from './connector.ts';
import type { ConnectionOptions } from './following.ts';

/** A connection whose answer is this late is closed: Redis is frozen, or the network drops the packets. */
const SILENT_MS = 5_000;

export function networkOptions({ tls, hosts }: RedisAddress, env: NodeJS.ProcessEnv): ConnectionOptions {
  const [{ host }] = hosts;
  const ca = tls ? extraCertificates(env) : undefined;
  return {
    Connector: AddressConnector,
    // RESP2: every server and proxy knows it, and `invalidate` pushes arrive as messages.
    protocol: 2,
    connectTimeout: 5_000,
    // Holds from the first command of the handshake. Blocking reads must be shorter.
    socketTimeout: SILENT_MS,
    ...(tls
      ? { tls: { ...(ca === undefined ? {} : { ca }), ...(isIP(host) === 0 ? { servername: host } : {}) } }
      : {}),
  };
}

export function userOptions({
  username,
  password,
}: RedisAddress): Pick<ConnectionOptions, 'username' | 'password'> {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}
