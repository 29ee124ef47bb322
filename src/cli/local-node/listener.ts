// Who listens on a port of this machine: another program may have taken the port that a node had, or was to have.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { HealthAddress } from '../../kernel/health-address.ts';
import { userOf } from '../../state/process.ts';

/** Whose answers are believed: those of a process, or of any process of a user. */
export type Asked = { readonly pid: number } | { readonly user: number };

const LISTENS = '0A';

/** False if somebody else listens there, or nobody. Only Linux says who it is. */
export function isListener(asked: Asked, { port }: HealthAddress): boolean {
  const sockets = listeners(port);
  if (sockets === undefined) return true;
  const user = 'user' in asked ? asked.user : userOf(asked.pid);
  if (sockets.length === 0 || sockets.some((socket) => socket.user !== user)) return false;
  const open = 'pid' in asked ? socketsOf(asked.pid) : undefined;
  return open === undefined || sockets.some(({ inode }) => open.has(inode));
}

/** Undefined if the system does not say. */
function listeners(port: number): { readonly user: number; readonly inode: string }[] | undefined {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map(readOr).filter((text) => text !== '');
  if (tables.length === 0) return undefined;
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return tables
    .flatMap((text) => text.split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', , state]) => state === LISTENS && local.endsWith(wanted))
    .map((fields) => ({ user: Number(fields[7]), inode: fields[9] ?? '' }));
}

/** Undefined if this user may not know. */
function socketsOf(pid: number): ReadonlySet<string> | undefined {
  try {
    const folder = `/proc/${pid}/fd`;
    const links = readdirSync(folder).map((name) => linkOr(`${folder}/${name}`));
    return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  } catch {
    return undefined;
  }
}

function linkOr(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
