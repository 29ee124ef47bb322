// The files that a node has made: `coda reset` removes these and nothing else. Only known names in the state directory
// itself count, and only if they are not another user's.
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { NAMED_FILES, readStoredSettings, type StoredSettings } from '../../state/credentials.ts';
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
import { isLeftover } from '../../state/private-file.ts';
import type { Owners } from '../../state/trust.ts';
import { nameOfUser } from '../../state/users.ts';

export interface OwnFiles {
  /** The credentials first, so that an interrupted reset does not leave half of them. */
  readonly files: readonly string[];
  /** The node's own folder, if it exists. */
  readonly folder: string | undefined;
  /** What stays, and why. */
  readonly left: readonly LeftFile[];
}

export interface LeftFile {
  readonly path: string;
  readonly why: string;
}

/** What exists of the files of PROTOCOL §2. */
export function ownFiles(stateDir: string, owners: Owners): OwnFiles {
  const known = [
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
    .filter((name) => known.some((path) => isLeftover(name, basename(path))))
    .map((name) => join(stateDir, name));
  const files: string[] = [];
  const left: LeftFile[] = [];
  for (const path of [...known, ...leftovers]) {
    const stats = statsOf(path);
    // A directory in place of a file is not from the node.
    if (stats === undefined || stats.isDirectory()) continue;
    if (process.platform === 'win32' || owners.has(stats.uid)) files.push(path);
    else left.push({ path, why: `it belongs to user ${nameOfUser(stats.uid)}` });
  }
  const why = 'only the files that the node makes itself are removed';
  for (const path of namedByState(stateDir)) {
    if (!known.includes(path) && statsOf(path) !== undefined) left.push({ path, why });
  }
  const folder = nodeFolder(stateDir);
  return { files, folder: statsOf(folder) === undefined ? undefined : folder, left };
}

/** The paths that the node's settings name, if they can be believed. */
function namedByState(stateDir: string): string[] {
  let stored: StoredSettings | undefined;
  try {
    stored = readStoredSettings(stateDir);
  } catch {
    // It is another user's, others may have written to it, or it is broken.
  }
  const paths = NAMED_FILES.map((key) => stored?.[key]).filter(
    (path): path is string => typeof path === 'string' && path !== '' && !path.includes('\0'),
  );
  return [...new Set(paths.map((path) => resolve(stateDir, path)))];
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Of a link itself, also of one that points to nothing. */
function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
