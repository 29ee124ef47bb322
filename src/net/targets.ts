// Where no request may go, whoever names the address: services of the machine's own link, such as the metadata of a cloud
// provider, and Redis. Addresses are judged when a connection is made, since any name can lead there.
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP, type Socket } from 'node:net';
import type { RedisPlace } from '../protocol/urls.ts';

/** A request was not sent, because its target must not get what it carries. */
export class ForbiddenTargetError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ForbiddenTargetError';
  }
}

const LINK = new BlockList();
LINK.addSubnet('169.254.0.0', 16, 'ipv4');
LINK.addSubnet('fe80::', 10, 'ipv6');
// IPv4 inside IPv6, as NAT64 writes it.
LINK.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6');
const METADATA = new BlockList();
METADATA.addAddress('fd00:ec2::254', 'ipv6');
METADATA.addAddress('fd20:ce::254', 'ipv6');
METADATA.addAddress('100.100.100.200', 'ipv4');
METADATA.addAddress('168.63.129.16', 'ipv4');
METADATA.addAddress('192.0.0.192', 'ipv4');
const METADATA_NAMES = /^(?:metadata|instance-data|metadata\.google\.internal|metadata\.goog)\.?$/i;
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

export class Targets {
  readonly #allowed: ReadonlySet<string>;
  /** Known after the connect. */
  redis: { readonly places: readonly RedisPlace[] } | undefined;

  /** `allowed` are origins that the operator names. */
  constructor(allowed: Iterable<string> = []) {
    this.#allowed = new Set(allowed);
  }

  /** Why no request may go to this host, as far as its name says. */
  faultOfName(url: URL): string | undefined {
    if (this.#allowed.has(url.origin)) return undefined;
    const host = hostOf(url);
    if (METADATA_NAMES.test(host)) return `${host} is the metadata service of a cloud provider`;
    return isIP(host) === 0 ? undefined : faultOfAddress(host);
  }

  /** Why no request may use this connection. */
  async faultOf(
    url: URL,
    { remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>,
  ): Promise<string | undefined> {
    if (this.#allowed.has(url.origin) || remoteAddress === undefined) return undefined;
    const address = remoteAddress.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/, '');
    const fault = this.faultOfName(url) ?? faultOfAddress(address);
    if (fault !== undefined) return fault;
    const there = (this.redis?.places ?? []).filter(({ port }) => port === remotePort);
    if (there.length === 0) return undefined;
    const answers = await Promise.all(
      there.map(({ host }) => lookup(host, { all: true }).catch((): LookupAddress[] => [])),
    );
    const isRedis = answers
      .flat()
      .some((one) => one.address === address || (isIn(LOOPBACK, one.address) && isIn(LOOPBACK, address)));
    return isRedis ? `${hostOf(url)} is where Redis listens` : undefined;
  }
}

/** Why nothing may be sent to this address. */
export function faultOfAddress(address: string): string | undefined {
  if (isIn(LINK, address))
    return `${address} is a link-local address, where cloud providers have their metadata service`;
  return isIn(METADATA, address) ? `${address} is the metadata service of a cloud provider` : undefined;
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}
