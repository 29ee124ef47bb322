// Networks as ranges of addresses: what a route covers, and what many of them cover together.
import { isIPv4, isIPv6 } from 'node:net';

export interface Network {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly last: bigint;
}

/** A network from `10.0.0.0/8` or `fe80::/10`; bits of the host are dropped, as the kernel does. */
export function networkOf(text: string): Network | undefined {
  const [address = '', length] = text.split('/');
  const host = addressOf(address);
  if (host === undefined || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined;
  const prefix = length === undefined ? host.bits : Number(length);
  return prefix > host.bits ? undefined : network(host.first, prefix, host.bits);
}

/** A network from an address and a mask; undefined if they are none, or the mask has holes. */
export function maskedNetwork(address: string, mask: string): Network | undefined {
  const [one, other] = [addressOf(address), addressOf(mask)];
  if (one?.bits !== 32 || other?.bits !== 32) return undefined;
  const ones = other.first.toString(2).padStart(32, '0');
  return /^1*0*$/.test(ones) ? network(one.first, ones.replaceAll('0', '').length, 32) : undefined;
}

export function network(address: bigint, prefix: number, bits: 32 | 128): Network {
  const size = 1n << BigInt(bits - prefix);
  const first = (address / size) * size;
  return { bits, first, last: first + size - 1n };
}

/** An IP address as a network of its own; an IPv4 address that is written as an IPv6 one is the IPv4 address. */
export function addressOf(text: string): Network | undefined {
  if (isIPv4(text)) return single(v4(text), 32);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const low = dotted === null ? 0n : v4(dotted[2] ?? '');
  const hex =
    dotted === null ? text : `${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  const [head = '', tail] = hex.split('::');
  const groups = (part: string): string[] => part.split(':').filter((group) => group !== '');
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - before.length - after.length }, () => '0');
  const value = [...before, ...zeros, ...after].reduce(
    (sum, group) => (sum << 16n) | BigInt(`0x${group}`),
    0n,
  );
  return value >> 32n === 0xffffn ? single(value & 0xffffffffn, 32) : single(value, 128);
}

function single(value: bigint, bits: 32 | 128): Network {
  return { bits, first: value, last: value };
}

function v4(text: string): bigint {
  return text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

export function isInside(inner: Network, outer: Network): boolean {
  return inner.bits === outer.bits && inner.first >= outer.first && inner.last <= outer.last;
}

export function overlap(one: Network, other: Network): boolean {
  return one.bits === other.bits && one.first <= other.last && other.first <= one.last;
}

export function sizeOf({ first, last }: Network): bigint {
  return last - first + 1n;
}

/** How many addresses the networks cover together; all of one family. */
export function coveredBy(networks: readonly Network[]): bigint {
  let covered = 0n;
  let end = -1n;
  for (const { first, last } of networks.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    if (last <= end) continue;
    covered += last - (first > end ? first - 1n : end);
    end = last;
  }
  return covered;
}

/** `10.0.0.0/8`. */
export function networkText({ bits, first, last }: Network): string {
  const prefix = bits - (last - first).toString(2).replace(/^0$/, '').length;
  return `${addressText(first, bits)}/${prefix}`;
}

/** The words of `route` or `route-ipv6` for this network. */
export function routeWords(target: Network): readonly string[] {
  if (target.bits === 128) return [networkText(target)];
  return [addressText(target.first, 32), addressText(0xffffffffn ^ (target.last - target.first), 32)];
}

function addressText(value: bigint, bits: 32 | 128): string {
  const width = bits === 32 ? 8n : 16n;
  const parts = Array.from({ length: bits === 32 ? 4 : 8 }, (_, i) => {
    const part = (value >> (width * BigInt((bits === 32 ? 3 : 7) - i))) & ((1n << width) - 1n);
    return part.toString(bits === 32 ? 10 : 16);
  });
  return bits === 32 ? parts.join('.') : new URL(`http://[${parts.join(':')}]`).hostname.slice(1, -1);
}
