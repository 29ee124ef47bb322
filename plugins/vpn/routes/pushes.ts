// What the server pushes: which options OpenVPN takes, and what its log says about the others. Routes are never taken
// from a push: the node reads them in the log, judges them, and writes those that are allowed into the profile.
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { Statement } from '../statement.ts';
import { addressOf, maskedNetwork, networkOf, type Network } from './networks.ts';

/** The beginnings of what is taken; all else is filtered, however it is spelled. */
const TAKEN = [
  'ifconfig ',
  'ifconfig-ipv6 ',
  'topology ',
  'route-gateway ',
  'ping ',
  'ping-restart ',
  'peer-id ',
  'cipher ',
  'key-derivation ',
  'protocol-flags ',
  'push-continuation ',
  'tun-mtu ',
  'sndbuf ',
  'rcvbuf ',
  'explicit-exit-notify',
  'persist-',
  'comp-lzo no',
  'compress stub',
];

/** Come after the profile's own filters; the first that fits counts. */
export const FILTERS: readonly Statement[] = [
  ...TAKEN.map((text) => ({ name: 'pull-filter', words: ['accept', text] })),
  { name: 'pull-filter', words: ['ignore', ''] },
];

/** Whether this is one of our own filters: a saved profile has them. */
export function isOwnFilter({ name, words }: Statement): boolean {
  return FILTERS.some((own) => own.name === name && own.words.join('\n') === words.join('\n'));
}

/** Of a log that may be long, only the end is of interest. */
const TAIL_BYTES = 1024 * 1024;
const LONGEST_OPTION = 300;

/** The options that were filtered of the last push that is complete; undefined if the log shows none. */
export function filteredIn(log: string): readonly string[] | undefined {
  let complete: readonly string[] | undefined;
  let open: string[] | undefined;
  for (const line of log.split('\n')) {
    if (line.includes('PUSH: Received control message')) open ??= [];
    else if (line.includes('process restarting')) open = undefined;
    else if (/Initialization Sequence Completed| device \S+ opened/.test(line)) {
      complete = open ?? complete;
      open = undefined;
    } else {
      const [, option] = /^(?:\S+ \S+ )?Pushed option removed by filter: '(.*)'$/.exec(line.trimEnd()) ?? [];
      if (option !== undefined) open?.push(option.slice(0, LONGEST_OPTION).trim());
    }
  }
  return complete;
}

/** The network that `route` or `route-ipv6` with these words leads into the tunnel; undefined if it is not plain. */
export function routeTarget({ name, words }: Statement): Network | undefined {
  const [address = '', mask = '255.255.255.255'] = words;
  if (name === 'route') return maskedNetwork(address, mask === 'default' ? '255.255.255.255' : mask);
  if (name !== 'route-ipv6') return undefined;
  const target = networkOf(address);
  return target?.bits === 128 && addressOf(address.split('/')[0] ?? '') !== undefined ? target : undefined;
}

/** The network of a pushed route. One that names a gateway other than the tunnel's goes around the tunnel. */
export function pushedTarget(option: string): Network | undefined {
  const [name = '', ...words] = option.split(/\s+/);
  const gateway = words[name === 'route' ? 2 : 1];
  if (
    gateway !== undefined &&
    !['vpn_gateway', 'default'].includes(gateway) &&
    addressOf(gateway) === undefined
  )
    return undefined;
  return routeTarget({ name, words });
}

/** Reads the end of the log if it has changed since the last time. */
export class LogTail {
  readonly #path: string;
  #seen = '';

  constructor(path: string) {
    this.#path = path;
  }

  read(): string | undefined {
    try {
      const { size, mtimeMs, ino } = statSync(this.#path);
      const state = `${ino} ${size} ${mtimeMs}`;
      if (state === this.#seen) return undefined;
      const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
      const file = openSync(this.#path, 'r');
      try {
        readSync(file, bytes, 0, bytes.length, size - bytes.length);
      } finally {
        closeSync(file);
      }
      this.#seen = state;
      return bytes.toString('utf8');
    } catch {
      return undefined;
    }
  }
}
