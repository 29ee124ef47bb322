// The package as its users get it: packed, and unpacked into the node_modules of a new folder. Only the dependencies
// that package.json names are beside it, in the versions of the lock file, so that no registry is needed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '..', '..', '..');

interface Manifest {
  readonly name: string;
  readonly bin: { readonly coda: string };
  readonly dependencies: Readonly<Record<string, string>>;
}

export interface InstalledPackage {
  readonly folder: string;
  /** The file behind the command `coda`. */
  readonly coda: string;
}

export function installPackage(folder: string): InstalledPackage {
  // Without `prepack`: it would replace the build that is running now.
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const file = execFileSync('npm', pack, { cwd: ROOT, encoding: 'utf8' }).trim();
  const { name, bin, dependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  ) as Manifest;
  const modules = join(folder, 'node_modules');
  const installed = join(modules, name);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, file), '-C', installed, '--strip-components=1']);
  for (const dependency of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, dependency)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', dependency), join(modules, dependency));
  }
  return { folder: installed, coda: join(installed, bin.coda) };
}
