// Runs the built `create-coda-executor` as a process, in a folder of its own.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const CREATE = resolve('templates', 'dist', 'create.js');

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Without a terminal. */
export function create(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Ended {
  const { PATH = '' } = process.env;
  return spawnSync(process.execPath, [CREATE, ...args], {
    cwd,
    encoding: 'utf8',
    env: { PATH, HOME: cwd, ...env },
  });
}

/** What `--json` says. */
export interface Told {
  readonly ok: boolean;
  readonly written: boolean;
  readonly project: Readonly<Record<string, unknown>>;
  readonly files: readonly { readonly path: string; readonly action: string }[];
  readonly conflicts: readonly string[];
  readonly notes: readonly string[];
  readonly next: readonly string[];
}

export function told({ stdout }: Ended): Told {
  return JSON.parse(stdout) as Told;
}

export function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Text of every file below, by path; folders have a `/` at their end. */
export function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(folder.length + 1);
      return entry.isDirectory() ? [`${name}/`, ''] : [name, readFileSync(path, 'utf8')];
    }),
  );
}
