// Files that look like a config file of ours, but are not read: each is named, since the node would run without them.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '../protocol/text.ts';

const LOOKS_LIKE_ONE = /^\.?coda(?:[-_.]?config|rc)(?:\.(\w+))?$/i;
/** In the state directory this is the file of the credentials. */
const CREDENTIALS = 'coda.config';
const SET_ASIDE = new Set([
  'bak',
  'old',
  'orig',
  'save',
  'tmp',
  'example',
  'sample',
  'disabled',
  'off',
  'md',
]);
/** Folders in which other programs keep their config files. */
const FOLDERS = ['config', '.config'];

/** One sentence for each such file in `cwd`. `names` are the names that are read there; `used` is the file in use. */
export function unreadConfigs(cwd: string, names: readonly string[], used: string | undefined): string[] {
  const here = candidatesIn(cwd).filter((name) => !names.includes(name));
  const below = FOLDERS.flatMap((folder) =>
    candidatesIn(join(cwd, folder)).map((name) => join(folder, name)),
  );
  return [...here, ...below]
    .map((name) => join(cwd, name))
    .filter((path) => isOtherFile(path, used))
    .map(
      (path) =>
        `${printable(path, 200)} is not read: a config file is in the working directory and has one of the names ` +
        `${names.join(', ')}, in this spelling; any other place needs --config`,
    );
}

function candidatesIn(folder: string): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // There is none, or it is not readable: then nothing in it can be meant.
  }
  return names
    .filter((name) => {
      const match = LOOKS_LIKE_ONE.exec(name);
      return match !== null && name !== CREDENTIALS && !SET_ASIDE.has((match[1] ?? '').toLowerCase());
    })
    .toSorted();
}

/** False for a folder, and for the file in use: if the case of names does not matter, it has other names too. */
function isOtherFile(path: string, used: string | undefined): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile() !== true) return false;
  const other = used === undefined ? undefined : statSync(used, { throwIfNoEntry: false });
  return other === undefined || other.ino !== stats.ino || other.dev !== stats.dev;
}
