// The package as users have it: packed by npm, and unpacked beside the packages that it depends on.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '..', '..', '..');

export interface Installed {
  /** `<folder>/node_modules/coda-node`. */
  readonly folder: string;
  /** The file behind the command `coda`. */
  readonly bin: string;
}

interface Lock {
  readonly packages: Readonly<
    Record<string, Partial<Readonly<Record<'dev' | 'devOptional' | 'optional', boolean>>>>
  >;
}

/** Packs what is built, and installs it below `folder`. The dependencies are copied from the project, where npm has
 *  put them by the same lock file, so no network is needed. */
export function installPackage(folder: string): Installed {
  const own = join(folder, 'node_modules', 'coda-node');
  mkdirSync(own, { recursive: true });
  // Without the scripts, which would build again.
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  const tarball = join(folder, execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' }).trim());
  execFileSync('tar', ['-xzf', tarball, '-C', own, '--strip-components=1']);
  rmSync(tarball);
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  for (const [path, { dev, devOptional, optional }] of Object.entries(packages)) {
    if (path === '' || dev || devOptional || optional) continue;
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  const { bin } = JSON.parse(readFileSync(join(own, 'package.json'), 'utf8')) as { bin: { coda: string } };
  return { folder: own, bin: join(own, bin.coda) };
}
