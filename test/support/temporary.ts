// A folder that is removed after the test, and a small disk of its own if the machine allows one.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coda-jobs-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface SmallDisk {
  readonly folder: string;
  setReadOnly(readOnly: boolean): void;
}

/** A tmpfs of 256 KiB; undefined if this user may not mount; the test is then skipped. */
export async function smallDisk(t: TestContext): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'coda-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    await rm(folder, { recursive: true, force: true });
    t.skip('a disk of its own needs root and mount');
    return undefined;
  }
  t.after(async () => {
    execFileSync('umount', ['-l', folder]);
    await rm(folder, { recursive: true, force: true });
  });
  return {
    folder,
    setReadOnly: (readOnly) =>
      void execFileSync('mount', ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, folder], { stdio: 'ignore' }),
  };
}
