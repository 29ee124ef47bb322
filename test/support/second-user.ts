// A second user for the tests of what is believed of whom: the user `nobody`. Only root can be another user, or give files away.
import { chownSync, lstatSync, lchownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const STRANGER = 65_534;

/** For `describe` and `it`: printed if the tests are skipped. */
export const needsRoot = {
  skip:
    (process.platform !== 'linux' || process.geteuid?.() !== 0) &&
    'NOT TESTED: needs root on Linux, to play two users',
};

/** The words of a command that runs the words after it as the second user. */
export const asStranger = ['setpriv', `--reuid=${STRANGER}`, `--regid=${STRANGER}`, '--clear-groups'];

/** Gives a file, or a folder with all that is in it, to the second user. Links are given, not followed. */
export function giveAway(path: string): void {
  lchownSync(path, STRANGER, STRANGER);
  if (!lstatSync(path).isDirectory()) return;
  for (const name of readdirSync(path)) giveAway(join(path, name));
}

/** Gives only the folder away. */
export function giveFolder(path: string): void {
  chownSync(path, STRANGER, STRANGER);
}
