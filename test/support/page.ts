// Runs a page of docs/ as a reader would: its files are written, its commands run, and what they print is compared.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface PageOptions {
  /** The folder of the reader. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Before each block, with what it prints so far. */
  readonly commands?: (text: string) => string;
}

export interface Block {
  readonly language: string;
  /** The file that it is; empty if it is none. */
  readonly file: string;
  readonly text: string;
}

export function blocksOf(page: string): Block[] {
  return [...readFileSync(page, 'utf8').matchAll(/^ *```(\w*) ?([\w./-]*)\n(.*?)^ *```$/gms)].map(
    ([, language = '', file = '', text = '']) => ({ language, file, text }),
  );
}

/**
 * The blocks `LANGUAGE FILE` are written, the blocks `sh` run in their order, and a block `text` has to be what the one
 * before it has printed. Returns what each of the commands printed.
 */
export function runPage(page: string, { cwd, env, commands = (text) => text }: PageOptions): string[] {
  const printed: string[] = [];
  for (const { language, file, text } of blocksOf(page)) {
    if (file !== '') {
      mkdirSync(dirname(join(cwd, file)), { recursive: true });
      writeFileSync(join(cwd, file), text);
    } else if (language === 'sh') {
      const run = spawnSync('sh', ['-ec', commands(text)], { cwd, env, encoding: 'utf8' });
      assert.equal(run.status, 0, `${text}\n${run.stdout}${run.stderr}`);
      printed.push(run.stdout);
    } else if (language === 'text') {
      assert.equal(printed.at(-1), text);
    }
  }
  return printed;
}
