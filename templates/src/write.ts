// Writes all files of a plan, or none: first into a temporary folder, from which they are moved to their places. What has
// been done is undone if something fails. Signals wait until it is over.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  chmodSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Step } from './plan.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Throws what the file system throws; the folder is then as it was. */
export function write(folder: string, steps: readonly Step[]): void {
  // Without a listener, a signal would end the process in the middle. All of this is one turn of the event loop.
  const wait = (): void => {};
  for (const signal of SIGNALS) process.on(signal, wait);
  try {
    writeAll(resolve(folder), steps);
  } finally {
    for (const signal of SIGNALS) process.off(signal, wait);
  }
}

function writeAll(folder: string, steps: readonly Step[]): void {
  const changes = steps.filter(({ action }) => action !== 'same' && action !== 'keep');
  if (changes.length === 0) return;
  const undo: (() => void)[] = [];
  try {
    // On the disk of the folder, so that files can be moved.
    const place = existsSync(folder) ? folder : newFolders(dirname(folder), undo);
    const staged = mkdtempSync(join(place, `.${basename(folder)}-`));
    undo.push(() => rmSync(staged, { recursive: true, force: true }));
    const fresh = join(staged, 'new');
    for (const { path, text } of changes) {
      mkdirSync(dirname(join(fresh, path)), { recursive: true });
      writeFileSync(join(fresh, path), text);
    }
    if (existsSync(folder)) {
      const old = join(staged, 'old');
      mkdirSync(old);
      changes.forEach(({ path }, i) =>
        moveIn(join(fresh, path), join(folder, path), join(old, String(i)), undo),
      );
    } else renameSync(fresh, folder);
    rmSync(staged, { recursive: true, force: true });
  } catch (thrown) {
    for (const step of undo.toReversed()) step();
    throw thrown;
  }
}

/** Moves `from` to `to`; what was there is kept as `old` until all is done. A link stays one, and its file changes. */
function moveIn(from: string, to: string, old: string, undo: (() => void)[]): void {
  const target = existsSync(to) ? realpathSync(to) : join(newFolders(dirname(to), undo), basename(to));
  if (existsSync(target)) {
    chmodSync(from, statSync(target).mode);
    renameSync(target, old);
    undo.push(() => renameSync(old, target));
  }
  renameSync(from, target);
  undo.push(() => rmSync(target));
}

/** Makes it, with those above it; returns it. */
function newFolders(folder: string, undo: (() => void)[]): string {
  if (existsSync(folder)) return folder;
  newFolders(dirname(folder), undo);
  mkdirSync(folder);
  undo.push(() => rmdirSync(folder));
  return folder;
}
