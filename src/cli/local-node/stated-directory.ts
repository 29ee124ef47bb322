// The state directory that a config file states in plain text, for files that cannot be run or parsed.
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { CONFIG_FILES } from '../../config/config-file.ts';
import { checkTrusted, type Owners } from '../../state/trust.ts';

/** `stateDir: '/some/where'`, as code, JSON or YAML. */
const STATED = /^[^/#*]*?["']?\bstateDir["']?\s*:\s*(?:(["'`])([^"'`$\\]+)\1|([\w./~-]+))\s*(?:[,}#/]|$)/;

/**
 * Absolute; undefined if no config file mentions it, `unknown` if one does but not as a plain text, or if two differ.
 * `configPath` instead of the files in `cwd`. Throws an UntrustedError if it is a stranger's file that mentions it.
 */
export function statedDirectory(
  cwd: string,
  configPath: string | undefined,
  owners: Owners,
): string | undefined {
  const files =
    configPath === undefined ? CONFIG_FILES.map((name) => join(cwd, name)) : [resolve(cwd, configPath)];
  const found = new Set(files.flatMap((file) => directoriesIn(file, owners)));
  return found.size > 1 ? 'unknown' : [...found][0];
}

/** Whether `--config` names a file that may be one; otherwise the option is wrong, not the file. */
export function isConfigFile(path: string): boolean {
  const extensions = CONFIG_FILES.map((name) => extname(name));
  return extensions.includes(extname(path)) && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function directoriesIn(file: string, owners: Owners): string[] {
  const text = textOf(file);
  if (text.includes('stateDir')) checkTrusted(file, 'the config file', owners);
  return text
    .split('\n')
    .filter((line) => /\bstateDir\b/.test(line) && !/^\s*(?:\/\/|#|\*|\/\*)/.test(line))
    .map((line) => {
      const [, , quoted, plain] = STATED.exec(line) ?? [];
      // A word without quotes is a text in YAML, and a variable in code.
      const stated = quoted ?? (/\.ya?ml$/.test(file) ? plain : undefined);
      if (stated === undefined) return 'unknown';
      return stated.startsWith('~/') ? join(homedir(), stated.slice(2)) : resolve(dirname(file), stated);
    });
}

function textOf(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    return basename(file) === 'package.json' && !text.includes('"coda"') ? '' : text;
  } catch {
    return '';
  }
}
