// The users of this machine, by name and by number.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The name of a user, or the number if it has none here. */
export function nameOfUser(user: number): string {
  return localUsers().find(([, id]) => id === String(user))?.[0] ?? String(user);
}

/** The number of a user; undefined if there is none of that name. */
export function idOfUser(name: string): number | undefined {
  const id = localUsers().find(([known]) => known === name)?.[1] ?? idFromSystem(name);
  return id === undefined ? undefined : Number(id);
}

/** Also users of a directory service. */
function idFromSystem(name: string): string | undefined {
  if (!/^[A-Za-z_]/.test(name)) return undefined;
  try {
    const text = execFileSync('id', ['-u', '--', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return /^\d+$/.exec(text.trim())?.[0];
  } catch {
    return undefined;
  }
}

function localUsers(): (readonly [name: string, id: string])[] {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    return lines.map((line) => line.split(':')).map(([name = '', , id = '']) => [name, id]);
  } catch {
    return [];
  }
}
