// The state directory that a config file states in plain text. The operator's commands find the node by it, and run no
// code for that: a config file in code may throw, wait for ever, end the process, or be somebody else's.
import { readFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { isRecord } from '../protocol/text.ts';
import { checkTrusted, trustedOwners, type Owners } from '../state/trust.ts';
import { settingFromValue } from './coerce.ts';
import { CONFIG_FILES, MODULES } from './config-file.ts';
import { settingOf } from './settings.ts';
import { readYaml } from './yaml.ts';

/** `stateDir: '/some/where'`, as code or as a document that is broken. */
const STATED =
  /^(?:(?!(?<!:)\/\/|\/\*|#).)*?(?<![.\w$])["']?\bstateDir["']?\s*:\s*(?:(["'`])([^"'`$\\]+)\1|([\w./~-]+))\s*(?:[,}#/]|$)/;
/** As a key: not `settings.stateDir`, which only reads it. */
const MENTIONED = /(?<![.\w$])stateDir\b/;
const COMMENT = /^\s*(?:\/\/|#|\*|\/\*)/;

/**
 * Absolute; undefined if no config file mentions it, `unknown` if one does but not as a plain text, or if two differ.
 * `configPath` instead of the files in `cwd`. Throws an UntrustedError if it is a stranger's file that mentions it.
 */
export async function statedDirectory(
  cwd: string,
  configPath: string | undefined,
  owners: Owners = trustedOwners(),
): Promise<string | undefined> {
  const files =
    configPath === undefined ? CONFIG_FILES.map((name) => join(cwd, name)) : [resolve(cwd, configPath)];
  const found = new Set<string>();
  for (const file of files) for (const directory of await directoriesIn(file, owners)) found.add(directory);
  return found.size > 1 ? 'unknown' : [...found][0];
}

async function directoriesIn(file: string, owners: Owners): Promise<string[]> {
  const text = textOf(file);
  if (!text.includes('stateDir')) return [];
  checkTrusted(file, 'the config file', owners);
  if (!MODULES.includes(extname(file))) {
    // JSON is YAML. A file that is broken is searched as a text.
    const { content, fault } = await readYaml(text.replace(/^\uFEFF/, ''));
    if (fault === undefined) return inDocument(basename(file) === 'package.json', content, file);
  }
  return text
    .split('\n')
    .filter((line) => MENTIONED.test(line) && !COMMENT.test(line))
    .map((line) => {
      const [, , quoted, plain] = STATED.exec(line) ?? [];
      // A word without quotes is a text in YAML, and a variable in code.
      return directoryOf(quoted ?? (/\.ya?ml$/.test(file) ? plain : undefined), file);
    });
}

function inDocument(isPackage: boolean, content: unknown, file: string): string[] {
  const config = isPackage && isRecord(content) ? content['coda'] : content;
  return isRecord(config) && Object.hasOwn(config, 'stateDir') ? [directoryOf(config['stateDir'], file)] : [];
}

function directoryOf(value: unknown, file: string): string {
  if (typeof value !== 'string') return 'unknown';
  try {
    const where = `stateDir in ${file}`;
    const path = settingFromValue(settingOf('stateDir'), value, { where, baseDir: dirname(file) });
    return typeof path === 'string' ? path : 'unknown';
  } catch {
    return 'unknown';
  }
}

function textOf(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    return basename(file) === 'package.json' && !text.includes('"coda"') ? '' : text;
  } catch {
    return '';
  }
}
