// Whose files this user relies on: what is run as code, and the folder that it lies in, must belong to somebody who may do
// everything that this user may do anyway. Windows has no such owners, and is not checked.
import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';
import { ConfigError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { shellQuoted } from './private-file.ts';
import { idOfUser, nameOfUser } from './users.ts';

/** Ids of users. */
export type Owners = ReadonlySet<number>;

/** Something that is not run or used, because of whose it is or who may write to it. */
export class UntrustedError extends ConfigError {}

const ROOT = 0;
const SETTING = 'CODA_TRUSTED_OWNERS';
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;
/** More links than that on one way are a circle. */
const MOST_LINKS = 40;

/**
 * This user, root, whoever called sudo, and those that the setting names, separated by commas. Throws a ConfigError for a
 * user that does not exist.
 */
export function trustedOwners(
  named = process.env[SETTING] ?? '',
  env: NodeJS.ProcessEnv = process.env,
): Owners {
  const user = process.geteuid?.();
  if (user === undefined) return new Set();
  // Only root can know that sudo has set it: anybody else may have set it for this process.
  const caller = user === ROOT && /^\d{1,10}$/.test(env['SUDO_UID'] ?? '') ? [Number(env['SUDO_UID'])] : [];
  const further = named
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
    .map(idOf);
  return new Set([user, ROOT, ...caller, ...further]);
}

/**
 * Throws an UntrustedError if a file that is to be run, its folder, or a link on the way to it is a stranger's, or may be
 * written by everybody. In a package, all folders up to its `node_modules` count. `what` begins the message.
 */
export function checkTrusted(path: string, what: string, owners: Owners): void {
  if (process.geteuid?.() === undefined) return;
  const subject = `${what} ${path}`;
  checkWay(path, subject, owners);
  checkOwner(path, 'it', subject, owners);
  const folders = [path, realpathSync(path)].flatMap(foldersOf);
  for (const folder of new Set(folders)) checkOwner(folder, folder, subject, owners);
}

/**
 * Throws an UntrustedError if a state directory is a stranger's, or if everybody may replace the files in it. A shared
 * folder such as /tmp is fine: in it nobody can replace the files of others.
 */
export function checkTrustedDirectory(directory: string, owners: Owners): void {
  const what = `the state directory ${directory}`;
  if (process.geteuid?.() === undefined) return;
  checkWay(directory, what, owners);
  const { uid, mode } = statSync(directory);
  if (!owners.has(uid)) {
    throw new UntrustedError(`${what} is not used: it belongs to user ${nameOfUser(uid)}`, {
      remedy:
        `Name another directory with CODA_STATE_DIR, or run the command as that user (sudo -u ${nameOfUser(uid)} coda …). ` +
        `If that user may do everything that this one may, set ${SETTING}=${nameOfUser(uid)}.`,
    });
  }
  if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0) {
    throw new UntrustedError(`${what} is not used: everybody may write to it, and replace the files in it`, {
      remedy: `Name a directory of its own with CODA_STATE_DIR, such as ${join(directory, 'state')}, or run: chmod o-w ${shellQuoted(directory)}`,
    });
  }
}

/** As `checkTrusted`, for a folder from which whatever lies in it is run. */
export function checkTrustedFolder(folder: string, what: string, owners: Owners): void {
  if (process.geteuid?.() === undefined) return;
  const subject = `${what} ${folder}`;
  checkWay(folder, subject, owners);
  checkOwner(folder, 'it', subject, owners);
}

/** Throws an UntrustedError if a link on the way to `path` is a stranger's: whoever owns it chooses where it leads. */
export function checkWay(path: string, subject: string, owners: Owners): void {
  const steps = resolve(path)
    .slice(parse(resolve(path)).root.length)
    .split(sep);
  let way = parse(resolve(path)).root;
  for (let links = 0; steps.length > 0 && links < MOST_LINKS;) {
    const next = join(way, steps.shift() ?? '');
    const stats = lstatSync(next, { throwIfNoEntry: false });
    if (stats?.isSymbolicLink() !== true) {
      way = next;
      continue;
    }
    if (!owners.has(stats.uid)) throw strangers(subject, `the link ${next}, which leads to it,`, stats.uid);
    const target = readlinkSync(next);
    if (isAbsolute(target)) way = parse(target).root;
    steps.unshift(...target.split(sep).filter((step) => step !== ''));
    links += 1;
  }
}

function checkOwner(path: string, name: string, subject: string, owners: Owners): void {
  const { uid, mode } = statSync(path);
  if (!owners.has(uid)) throw strangers(subject, name, uid);
  if ((mode & OTHERS_WRITE) === 0) return;
  throw new UntrustedError(`${subject} is not used: everybody may write to ${name}`, {
    remedy:
      (mode & STICKY) !== 0
        ? 'Move it to a folder to which only its owner can write.'
        : `See that nobody has changed it, then run: chmod o-w ${shellQuoted(path)}`,
  });
}

function strangers(subject: string, what: string, user: number): UntrustedError {
  return new UntrustedError(`${subject} is not used: ${what} belongs to user ${nameOfUser(user)}`, {
    remedy:
      'It would run with all rights of this user. Remove it or work in another folder; ' +
      `if that user may do everything that this one may, set ${SETTING}=${nameOfUser(user)}.`,
  });
}

function foldersOf(path: string): string[] {
  const folder = dirname(path);
  const names = folder.split(sep);
  const packages = names.lastIndexOf('node_modules');
  if (packages === -1) return [folder];
  return names.slice(packages).map((_, index) => names.slice(0, packages + index + 1).join(sep));
}

function idOf(word: string): number {
  if (/^\d{1,10}$/.test(word)) return Number(word);
  const known = idOfUser(word);
  if (known !== undefined) return known;
  throw new ConfigError(`${SETTING} names ${printable(word, 60)}, which is no user of this machine`, {
    remedy: 'Correct the name, or give the number of the user (id -u NAME).',
  });
}
