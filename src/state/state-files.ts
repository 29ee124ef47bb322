// What is in the place of the node's files before it starts: anybody may have put something there first, in a shared
// directory such as /tmp. It is looked at before the one-time token is spent.
import { lstatSync, type Stats } from 'node:fs';
import { ConfigError } from '../errors.ts';
import {
  consumerIdPath,
  daemonPidPath,
  deadLettersPath,
  doorTokenPath,
  historyDirectory,
  journalPath,
  lastRunPath,
  lockPath,
  logPath,
  nodeFolder,
  pageLinkPath,
  pausePath,
  presencePath,
  refusedDirectory,
  replayDirectory,
  rotatedLogPaths,
  runMarkerPath,
  startsPath,
  stateConfigPath,
  stateKeyPath,
  vpnLogPath,
  vpnPidPath,
  vpnProfilePath,
} from './layout.ts';
import { shellQuoted, STRANGERS_REMEDY } from './private-file.ts';
import { nameOfUser } from './users.ts';

/**
 * Throws a ConfigError that names the first path of the state directory at which something else is than the node's own
 * file or folder: a folder, a pipe, a device, another user's file or link. A link of one's own is left to those who use
 * it: most files are replaced as a whole, and the link with them.
 */
export function checkStateFiles(stateDir: string): void {
  const folder = nodeFolder(stateDir);
  const links = [stateConfigPath(stateDir), stateKeyPath(stateDir), vpnProfilePath(stateDir)];
  const files = [
    vpnPidPath(stateDir),
    vpnLogPath(stateDir),
    daemonPidPath(stateDir),
    logPath(stateDir),
    ...rotatedLogPaths(logPath(stateDir)),
    lockPath(folder),
    consumerIdPath(folder),
    presencePath(folder),
    startsPath(folder),
    pausePath(folder),
    doorTokenPath(folder),
    pageLinkPath(folder),
    runMarkerPath(folder),
    lastRunPath(folder),
    journalPath(folder),
    deadLettersPath(folder),
  ];
  for (const path of links) check(path, (stats) => stats.isFile() || stats.isSymbolicLink());
  for (const path of files) check(path, (stats) => stats.isFile());
  for (const path of [refusedDirectory(folder), replayDirectory(folder), historyDirectory(folder)]) {
    check(path, (stats) => stats.isDirectory());
  }
}

function check(path: string, isRight: (stats: Stats) => boolean): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const user = process.geteuid?.() ?? stats.uid;
  if (stats.uid !== user) {
    throw new ConfigError(
      `${path} belongs to user ${nameOfUser(stats.uid)}, but the node runs as user ${nameOfUser(user)}`,
      { remedy: STRANGERS_REMEDY },
    );
  }
  if (isRight(stats)) return;
  throw new ConfigError(`${path} is ${kindOf(stats)}; the node keeps something else there`, {
    remedy: `Look at what it is, then move it away (mv ${shellQuoted(path)} …), or name another directory with CODA_STATE_DIR.`,
  });
}

function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isFile() ? 'a file' : 'a device';
}
