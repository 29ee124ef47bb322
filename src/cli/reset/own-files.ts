// Which files a node has made: what `coda reset` removes, and nothing else.
import { lstatSync, readdirSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { isLeftover } from '../../state/private-file.ts';
import { stateConfigPath, stateKeyPath } from '../../state/credentials.ts';
import { spoolDirectory } from '../../state/lock.ts';
import { isRecord } from '../../protocol/text.ts';
import { logPath, pidPath, readOwnFile } from '../local-node/files.ts';
import { vpnPidPath } from '../local-node/vpn-process.ts';

export interface OwnFiles {
  /** In the state directory; the credentials first, so that a reset that is cut short leaves no half of them. */
  readonly inside: readonly string[];
  /** Named by the state file, but elsewhere. */
  readonly outside: readonly string[];
}

/** PROTOCOL §2. Only what is there. */
export function ownFiles(stateDir: string): OwnFiles {
  const names = [
    stateConfigPath(stateDir),
    stateKeyPath(stateDir),
    join(stateDir, 'coda-node.ovpn'),
    vpnPidPath(stateDir),
    join(stateDir, 'coda-node-openvpn.log'),
    pidPath(stateDir),
    logPath(stateDir),
    ...[1, 2, 3].map((i) => `${logPath(stateDir)}.${i}`),
  ];
  const leftovers = namesIn(stateDir)
    .filter((name) => names.some((own) => isLeftover(name, relative(stateDir, own))))
    .map((name) => join(stateDir, name));
  const named = namedByState(stateDir);
  const isInside = (path: string): boolean => {
    const way = relative(resolve(stateDir), path);
    return way !== '' && !way.startsWith('..') && !isAbsolute(way);
  };
  const inside = [...names, ...leftovers, ...named.filter(isInside), spoolDirectory(stateDir)];
  return {
    inside: [...new Set(inside)].filter(isThere),
    outside: [...new Set(named.filter((path) => !isInside(path)))].filter(isThere),
  };
}

/** The paths in a state file, also in one that is broken in other ways. */
function namedByState(stateDir: string): string[] {
  const text = readOwnFile(stateConfigPath(stateDir));
  if (text === undefined) return [];
  try {
    const stored: unknown = JSON.parse(text);
    if (!isRecord(stored)) return [];
    return ['jwt_private_key_path', 'node_vpn_profile_path']
      .map((key) => stored[key])
      .filter((path): path is string => typeof path === 'string' && path !== '' && !path.includes('\0'))
      .map((path) => resolve(stateDir, path));
  } catch {
    return [];
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Also a link that leads nowhere. A directory in place of a file is nobody's credentials: it stays. */
function isThere(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && (!stats.isDirectory() || path.endsWith('coda-node-spool'));
}
