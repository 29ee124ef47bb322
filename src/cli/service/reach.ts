// Whether the user of a service can reach the folder and the programs that the service file names. systemd would only say
// that it failed to change directory, long after the file was made.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ServiceTerms } from './unit.ts';

interface User {
  readonly uid: number | undefined;
  readonly groups: readonly number[];
}

/** One warning for each path that the service cannot reach; of a user that is not known here, only those that nobody can. */
export function unreachable(terms: ServiceTerms): string[] {
  const user = userOf(terms.user);
  const name = terms.user ?? 'that systemd makes for the service';
  const paths = [terms.workingDirectory, ...terms.command.slice(0, 2)];
  return paths.flatMap((path) => {
    if (/^\/(?:var\/)?tmp(?:\/|$)/.test(path)) {
      return `${path} is in a temporary folder, of which the service has its own: move it elsewhere`;
    }
    if (user === undefined || user.uid === 0) return [];
    const closed = ancestors(path).find((folder) => !canEnter(folder, user));
    return closed === undefined
      ? []
      : `the user ${name} cannot enter ${closed}, and so not reach ${path}: move it, or give another user with --run-as`;
  });
}

/** The folders on the way to a path, from the root; also the path itself if it is one. */
function ancestors(path: string): string[] {
  const up = dirname(path);
  return up === path
    ? [path]
    : [
        ...ancestors(up),
        ...(statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? [path] : []),
      ];
}

function canEnter(folder: string, { uid, groups }: User): boolean {
  const stats = statSync(folder, { throwIfNoEntry: false });
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
