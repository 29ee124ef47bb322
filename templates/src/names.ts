// The names of a project: taken from the folder, or from what is already in it; and the package manager that calls.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { MANAGERS, UsageError, type Manager } from './usage.ts';

/** As npm takes them. */
const PACKAGE_NAME = /^(?:@[a-z\d-~][a-z\d-._~]*\/)?[a-z\d-~][a-z\d-._~]*$/;
const LONGEST_NAME = 214;
/** Each would be found in place of the package that it is named after. */
const TAKEN = new Set(['coda-node', 'create-coda-executor', 'node_modules', 'typescript', 'oxlint']);

/** Of the package in `folder`: as given, as it is called there already, or as the folder. Throws a UsageError. */
export function packageName(folder: string, given: string | undefined): string {
  if (given !== undefined) return checked(given);
  const present = nameInManifest(folder) ?? nameInPyproject(folder);
  if (present !== undefined) return checked(present);
  const name = slug(basename(resolve(folder)));
  if (name !== '') return checked(name);
  throw new UsageError(`no package can be named after the folder ${folder}; name it: --name my-backend`);
}

function checked(name: string): string {
  if (TAKEN.has(name))
    throw new UsageError(`the name ${name} is taken by another package; choose one: --name`);
  if (PACKAGE_NAME.test(name) && name.length <= LONGEST_NAME) return name;
  throw new UsageError(
    `'${name}' cannot be the name of a package; write small letters, digits and -: --name`,
  );
}

function slug(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z\d]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

function nameInManifest(folder: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const name: unknown = Reflect.get(Object(manifest), 'name');
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    // Is not there; or broken, which is said when it is to be changed.
    return undefined;
  }
}

function nameInPyproject(folder: string): string | undefined {
  const file = join(folder, 'pyproject.toml');
  if (!existsSync(file)) return undefined;
  const [, name = ''] =
    /^\[project\](?:\n(?!\[).*)*\nname *= *["']([^"']+)["']/m.exec(readFileSync(file, 'utf8')) ?? [];
  return slug(name) || undefined;
}

/** A package in Python that nothing else is called. */
export function moduleName(name: string): string {
  const words = name.replace(/^@[^/]*\//, '').replaceAll(/[^a-z\d]+/g, '_');
  const plain = words.replaceAll(/^_+|_+$/g, '') || 'backend';
  if (/^\d/.test(plain)) return `qpu_${plain}`;
  // With one word it may be a keyword, or a module of Python such as `queue`.
  return plain.includes('_') ? plain : `${plain}_qpu`;
}

export interface Caller {
  readonly manager: Manager;
  readonly isYarnBerry: boolean;
}

/** By the variable that each of them sets: `pnpm/10.1.0 npm/? node/v22.1.0 linux x64`. */
export function caller(env: NodeJS.ProcessEnv): Caller {
  const [, name = '', major = ''] = /^(\w+)\/(\d*)/.exec(env['npm_config_user_agent'] ?? '') ?? [];
  const manager = MANAGERS.find((one) => one === name) ?? 'npm';
  return { manager, isYarnBerry: manager === 'yarn' && Number(major) >= 2 };
}
