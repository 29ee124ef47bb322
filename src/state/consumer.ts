// The node's name in the consumer group: the same after a restart, and never that of another node. A copied state
// directory must not make two nodes one, so the name also depends on the machine and on the folder.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { consumerIdPath } from './layout.ts';

/** Reads the name's id from the node's folder, or makes one and saves it there. */
export function consumerName(folder: string): string {
  const path = consumerIdPath(folder);
  const stored = readIfThere(path);
  const macs = macAddresses();
  const [id = '', known = ''] = (stored ?? '').trim().split('\n');
  // Network cards come and go; a machine that has none of those it had is another one, perhaps a clone.
  const isSame = known === '' || macs.length === 0 || known.split(' ').some((mac) => macs.includes(mac));
  const kept = id !== '' && isSame ? id : randomUUID();
  const text = `${kept}\n${(isSame && known !== '' ? known.split(' ') : macs).join(' ')}\n`;
  if (text !== stored) writeFileSync(path, text, { mode: 0o600, flush: true });
  const machine = [hostname(), readIfThere('/etc/machine-id')?.trim() ?? ''];
  const digest = createHash('sha256')
    .update([kept, ...machine, realpathSync(folder)].join('\0'))
    .digest('hex');
  return `${hostname()}-${digest.slice(0, 12)}`;
}

function macAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const macs = addresses.filter(({ internal }) => !internal).map(({ mac }) => mac);
  return [...new Set(macs)].filter((mac) => mac !== '00:00:00:00:00:00').toSorted();
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
