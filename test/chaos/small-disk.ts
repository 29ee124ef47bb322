// A small disk for a state directory, so that it can be filled to its last block.
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../src/errors.ts';

/** The large ones are fast, the small ones fill the rest. */
const BLOCKS = [Buffer.alloc(1024 * 1024, 1), Buffer.alloc(4096, 1)];

/** Mounts it at `folder`; a text says why that cannot be done here. */
export function mountSmallDisk(folder: string, mb: number): { readonly unmount: () => void } | string {
  const options = ['-t', 'tmpfs', '-o', `size=${mb}m,mode=700`, 'tmpfs', folder];
  const { status, stderr, error } = spawnSync('mount', options, { encoding: 'utf8' });
  if (status === 0) return { unmount: () => void spawnSync('umount', ['--lazy', folder]) };
  return `a small disk cannot be mounted here (needs root): ${(error?.message ?? stderr).trim()}`;
}

/** The file that fills it. */
export function fillerOf(folder: string): string {
  return join(folder, 'filler');
}

/** Fills the disk to the last block. */
export function fillUp(folder: string): void {
  for (const block of BLOCKS) {
    try {
      for (;;) writeFileSync(fillerOf(folder), block, { flag: 'a' });
    } catch (thrown) {
      if (errorCode(thrown) !== 'ENOSPC') throw thrown;
    }
  }
}

export function freeUp(folder: string): void {
  rmSync(fillerOf(folder));
}
