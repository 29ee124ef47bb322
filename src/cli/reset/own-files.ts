// The files that a node has made: `coda reset` removes these and nothing else.
import { lstatSync, readdirSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { isRecord } from '../../protocol/text.ts';
import { NAMED_FILES } from '../../state/credentials.ts';
import {
  daemonPidPath,
  logPath,
  nodeFolder,
  rotatedLogPaths,
  stateConfigPath,
  stateKeyPath,
  vpnLogPath,
  vpnPidPath,
  vpnProfilePath,
} from '../../state/layout.ts';
import { isLeftover, readHintFile } from '../../state/private-file.ts';

export interface OwnFiles {
  /** In the state directory; the credentials first, so that an interrupted reset does not leave half of them. */
  readonly inside: readonly string[];
  /** The node's own folder, if it exists. */
  readonly folder: string | undefined;
  /** Named by the state file, but elsewhere. */
  readonly outside: readonly string[];
}

/** What exists of the files of PROTOCOL §2. */
export function ownFiles(stateDir: string): OwnFiles {
  const own = [
    stateConfigPath(stateDir),
    stateKeyPath(stateDir),
    vpnProfilePath(stateDir),
    vpnPidPath(stateDir),
    vpnLogPath(stateDir),
    daemonPidPath(stateDir),
    logPath(stateDir),
    ...rotatedLogPaths(logPath(stateDir)),
  ];
  const leftovers = namesIn(stateDir)
    .filter((name) => own.some((path) => isLeftover(name, basename(path))))
    .map((name) => join(stateDir, name));
  const named = namedByState(stateDir);
  const isInside = (path: string): boolean => {
    const way = relative(resolve(stateDir), path);
    return way !== '' && !way.startsWith('..') && !isAbsolute(way);
  };
  const inside = [...own, ...leftovers, ...named.filter(isInside)];
  const folder = nodeFolder(stateDir);
  return {
    inside: [...new Set(inside)].filter(isFile),
    folder: lstatSync(folder, { throwIfNoEntry: false }) === undefined ? undefined : folder,
    outside: [...new Set(named.filter((path) => !isInside(path)))].filter(isFile),
  };
}

/** The paths in a state file, even in one that is broken in other ways. */
function namedByState(stateDir: string): string[] {
  const text = readHintFile(stateConfigPath(stateDir));
  if (text === undefined) return [];
  try {
    const stored: unknown = JSON.parse(text);
    if (!isRecord(stored)) return [];
    return NAMED_FILES.map((key) => stored[key])
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

/** Also a link that points to nothing. A directory in place of a file is not from the node: it stays. */
function isFile(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && !stats.isDirectory();
}
