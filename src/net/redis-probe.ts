// Finds out what a port of Redis speaks: a client that speaks the wrong protocol is only cut off, or gets no answer.
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Redis } from 'ioredis';
import type { Trouble } from '../errors.ts';
import { certificateTrouble } from './certificate-trouble.ts';
import { redisTroubleOf } from './redis-trouble.ts';
import { placeOf } from './redis.ts';

const TIMEOUT_MS = 1_500;

/** The trouble if the node speaks TLS and the port does not, or the reverse; undefined if neither can be seen. */
export async function wrongSpeech(redis: Redis): Promise<Trouble | undefined> {
  const { host, port } = placeOf(redis);
  const { tls } = redis.options;
  if (tls === undefined)
    return (await speaksTls(host, port)) ? redisTroubleOf('TLS_SPOKEN', redis) : undefined;
  return (await speaksPlain(host, port)) ? redisTroubleOf('TLS_MISSING', redis) : undefined;
}

/** Without a password, Redis answers too: that it wants one. */
function speaksPlain(host: string, port: number): Promise<boolean> {
  const socket = connectPlain({ host, port }, () => socket.write('PING\r\n'));
  return answer(socket, (yes) =>
    socket.once('data', (bytes: Buffer) => yes(/^[+-]/.test(bytes.toString('latin1')))),
  );
}

/** A server whose certificate is not trusted speaks TLS, too. Nothing is sent. */
function speaksTls(host: string, port: number): Promise<boolean> {
  const socket = connectTls({ host, port, servername: 'localhost' });
  return answer(socket, (yes) => {
    socket.once('secureConnect', () => yes(true));
    socket.once('error', (error) => yes(certificateTrouble(error, '') !== undefined));
  });
}

function answer(socket: Socket, listen: (yes: (is: boolean) => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (is: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(is);
    };
    const timer = setTimeout(() => end(false), TIMEOUT_MS);
    listen(end);
    socket.on('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
