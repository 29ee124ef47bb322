// Both packages as their users get them: packed, and unpacked into a folder.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { installPackage } from '../../bench/lab/package.ts';

export interface Packed {
  readonly folder: string;
  /** The program of `create-coda-executor`. */
  readonly create: string;
  /** That of `coda-node`. */
  readonly coda: string;
}

/** Projects below `folder` find `coda-node`, and the tools of this repository, as if they had installed them. */
export function packed(): Packed {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coda-projects-')));
  const { coda } = installPackage(folder);
  chmodSync(coda, 0o755);
  const pack = ['pack', './templates', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const tarball = execFileSync('npm', pack, { encoding: 'utf8' }).trim();
  const creator = join(folder, 'creator');
  mkdirSync(creator);
  execFileSync('tar', ['-xzf', join(folder, tarball), '-C', creator, '--strip-components=1']);
  const modules = join(folder, 'node_modules');
  link(coda, join(modules, '.bin', 'coda'));
  // @types/node comes with coda-node.
  for (const name of ['typescript', 'oxlint']) {
    link(resolve('node_modules', name), join(modules, name));
  }
  for (const name of ['tsc', 'oxlint'])
    link(resolve('node_modules', '.bin', name), join(modules, '.bin', name));
  return { folder, coda, create: join(creator, 'dist', 'create.js') };
}

function link(target: string, at: string): void {
  mkdirSync(dirname(at), { recursive: true });
  symlinkSync(target, at);
}
