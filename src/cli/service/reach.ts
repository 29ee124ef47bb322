// Whether a service can reach the folder and the programs that its file names. The service manager would only say that it
// failed to change directory, long after the file was made.
import { execFileSync } from 'node:child_process';
import { statSync, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import type { Manager } from './manage.ts';
import type { ServiceTerms } from './unit.ts';

interface User {
  readonly uid: number | undefined;
  readonly groups: readonly number[];
}

/** One warning for each path that the service cannot reach; of a user that is not known here, only those that nobody can. */
export function unreachable(manager: Manager, terms: ServiceTerms): string[] {
  const isOwn = manager !== 'systemd';
  const user = isOwn ? self() : userOf(terms.user);
  const name = isOwn ? userInfo().username : (terms.user ?? 'that systemd makes for the service');
  const instead = isOwn ? 'move it' : 'move it, or give another user with --run-as';
  const paths = [terms.workingDirectory, ...terms.command.slice(0, 2)];
  return paths.flatMap((path) => {
    if (TEMPORARY.test(path)) {
      return manager === 'systemd'
        ? `${path} is in a temporary folder, of which the service has its own: move it elsewhere`
        : `${path} is in a temporary folder, which a restart of the machine may empty: move it elsewhere`;
    }
    if (manager === 'launchd' && isPrivate(path, terms.home)) {
      return `${path} is in a folder that macOS keeps from services (Desktop, Documents, Downloads): move it elsewhere`;
    }
    if (user === undefined || user.uid === 0) return [];
    const closed = ancestors(path).find((folder) => !canEnter(folder, user));
    return closed === undefined
      ? []
      : `the user ${name} cannot enter ${closed}, and so not reach ${path}: ${instead}`;
  });
}

const TEMPORARY = /^\/(?:private\/)?(?:var\/)?tmp(?:\/|$)/;

/** macOS asks a person before a program may read there, and a service has nobody to ask. */
function isPrivate(path: string, home: string): boolean {
  return ['Desktop', 'Documents', 'Downloads'].some((name) => `${path}/`.startsWith(`${home}/${name}/`));
}

/** A user's own service runs as that user. */
function self(): User | undefined {
  const uid = process.geteuid?.();
  return uid === undefined
    ? undefined
    : { uid, groups: [process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])] };
}

/** The folders on the way to a path, from the root; also the path itself if it is one. */
function ancestors(path: string): string[] {
  const up = dirname(path);
  return up === path ? [path] : [...ancestors(up), ...(statsOf(path)?.isDirectory() === true ? [path] : [])];
}

/** Undefined for what is not there, and below a folder that this user may not enter. */
function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function canEnter(folder: string, { uid, groups }: User): boolean {
  const stats = statsOf(folder);
  if (stats === undefined) return true;
  const bit = stats.uid === uid ? 0o100 : groups.includes(stats.gid) ? 0o010 : 0o001;
  return (stats.mode & bit) !== 0;
}

/** Null means a user that systemd makes, to whom nothing here belongs. */
function userOf(name: string | null): User | undefined {
  if (name === null) return { uid: undefined, groups: [] };
  try {
    const ids = (what: string): number[] =>
      execFileSync('id', [what, '--', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
        .trim()
        .split(' ')
        .map(Number);
    return { uid: ids('-u')[0], groups: ids('-G') };
  } catch {
    return undefined;
  }
}
