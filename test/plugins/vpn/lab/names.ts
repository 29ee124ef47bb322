// A DNS server for the lab: a few names, each with all names below it. Real ones answer alike to what is asked here.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIP } from 'node:net';

/** The addresses of each name; those of IPv6 with all eight groups. */
export type Names = Readonly<Record<string, readonly string[]>>;

const HEADER_BYTES = 12;
/** The kinds of record, by the version of IP. */
const TYPES: Readonly<Record<number, number>> = { 4: 1, 6: 28 };
const NO_SUCH_NAME = 3;

export async function serveNames(address: string, names: Names): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address: asker }) => socket.send(answerTo(query, names), port, asker));
  socket.bind(53, address);
  await once(socket, 'listening');
  return socket;
}

function answerTo(query: Buffer, names: Names): Buffer {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const name = labels.join('.');
  const known = Object.keys(names).find((one) => name === one || name.endsWith(`.${one}`));
  const addresses = known === undefined ? [] : (names[known] ?? []);
  const records = addresses.filter((one) => TYPES[isIP(one)] === type).map((one) => recordOf(one, type));
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  // An answer, by who knows, without errors.
  header.writeUInt16BE(0x85_80 | (known === undefined ? NO_SUCH_NAME : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, at + 5), ...records]);
}

function recordOf(address: string, type: number): Buffer {
  const data =
    isIP(address) === 4
      ? address.split('.').map(Number)
      : address.split(':').flatMap((group) => {
          const value = Number.parseInt(group, 16);
          return [value >> 8, value & 0xff];
        });
  // The name of the question, the type, the class of the internet, not to be kept.
  return Buffer.from([0xc0, HEADER_BYTES, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length, ...data]);
}
