// Loads modules that users write, TypeScript included, on every supported Node and without a compiler of their own.
// What they import as `coda-node` is this running package, so that its classes are the same ones (instanceof works).
import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Jiti } from 'jiti';
import { isRecord } from '../protocol/text.ts';
import { checkTrusted, checkTrustedFolder, checkWay, trustedOwners, type Owners } from '../state/trust.ts';

/** What a module exports, by name. */
export type Namespace = Readonly<Record<string, unknown>>;

/** The package's entry points by the name under which users import them. CommonJS modules of users can `require` an
 *  entry point that is given at once; one that is given as a promise, only modules that `import` it. */
export type Doors = Readonly<Record<string, () => Namespace | Promise<Namespace>>>;

export class ModuleLoader {
  readonly #doors: Doors;
  readonly #owners: Owners;
  /** By the files that were found: how they were named, which may lead over links. */
  readonly #ways = new Map<string, string>();

  /** Without `owners`: this user, root, and whoever called sudo. */
  constructor(doors: Doors, owners = trustedOwners()) {
    this.#doors = doors;
    this.#owners = owners;
  }

  /** A loader of the same modules that runs also the code of these users. */
  trusting(owners: Owners): ModuleLoader {
    return new ModuleLoader(this.#doors, owners);
  }

  /** Throws an UntrustedError if a file is not to be run, or used to say what is run: it, its folder or a link on the way
   *  to it is a stranger's, or may be written by everybody. */
  check(path: string, what: string): void {
    checkTrusted(path, what, this.#owners);
  }

  /** As `check`, for a folder whose modules another language imports. */
  checkFolder(folder: string, what: string): void {
    checkTrustedFolder(folder, what, this.#owners);
  }

  /** The file that `specifier` (a path or a package) means in a module of `baseDir`; undefined if there is none. */
  async resolve(specifier: string, baseDir: string): Promise<string | undefined> {
    if (isBuiltin(specifier)) return undefined;
    const jiti = await this.#jiti(baseDir);
    // Typed as a string, but a URL object for some kinds of specifiers.
    const found: unknown = jiti.esmResolve(specifier, { try: true });
    if (!(found instanceof URL) && typeof found !== 'string') return undefined;
    const path = found instanceof URL || found.startsWith('file:') ? fileURLToPath(found) : found;
    const isPath = /^(?:\.|\/|[a-z]:[\\/])/i.test(specifier);
    this.#ways.set(path, isPath ? resolve(baseDir, specifier) : join(baseDir, 'node_modules', specifier));
    return path;
  }

  /** Imports the module at `path`, absolute; the same instance each time. Throws what the module throws, and an
   *  UntrustedError if it is not to be run. */
  async import(path: string): Promise<Namespace> {
    checkWay(this.#ways.get(path) ?? path, `the module ${path}`, this.#owners);
    this.check(path, 'the module');
    const jiti = await this.#jiti(dirname(path));
    return jiti.import<Namespace>(path);
  }

  /** Runs `source` as the module at `path`, again at each call; what it imports is loaded once. Throws what it throws. */
  async run(path: string, source: string): Promise<Namespace> {
    this.check(path, 'the module');
    const jiti = await this.#jiti(dirname(path));
    const exported = await jiti.evalModule(source, {
      filename: path,
      ext: extname(path),
      async: true,
      // Node's own loader would look for `coda-node` in the user's node_modules.
      forceTranspile: true,
    });
    return exported as Namespace;
  }

  /** One line for an error that the module at `path` threw: the file, the position if it is known, the message. */
  failureText(thrown: unknown, path: string): string {
    const message = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
    const [first = '', second = ''] = message.split('\n').map((line) => line.trim());
    const syntax = /^ParseError: (.*)$/.exec(first);
    if (syntax !== null) return `${second || path}: syntax error: ${syntax[1]}`;
    const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
    const after = stack.indexOf(`${path}:`) + path.length;
    const position = stack.includes(`${path}:`) ? (/^:\d+(:\d+)?/.exec(stack.slice(after))?.[0] ?? '') : '';
    return `${path}${position}: ${first}`;
  }

  async #jiti(baseDir: string): Promise<Jiti> {
    const [{ createJiti }, { translate }] = await Promise.all([import('jiti'), import('./translate.ts')]);
    return createJiti(join(baseDir, '_'), {
      // The folder may be read-only, and a cache elsewhere would run what others could write there.
      fsCache: false,
      // Also what a module imports: all of it but what Node loads by itself.
      transform: (options) => {
        const { filename } = options;
        if (filename !== undefined && existsSync(filename)) this.check(filename, 'the module');
        return translate(options);
      },
      // Getters: an entry point is loaded only if a module imports it. jiti awaits a promise.
      virtualModules: Object.defineProperties(
        {},
        Object.fromEntries(
          Object.entries(this.#doors).map(([name, open]) => [name, { get: open, enumerable: true }]),
        ),
      ),
    });
  }
}

/** The module of this process that exports `value`; undefined if none is known to. */
export function exporterOf(value: unknown): string | undefined {
  // jiti keeps what it has translated where Node keeps modules of CommonJS.
  const modules = Object.values(createRequire(import.meta.url).cache);
  return modules.find((module) => exportsOf(module).includes(value))?.filename;
}

function exportsOf(module: NodeJS.Module | undefined): unknown[] {
  try {
    const exports: unknown = module?.exports;
    return isRecord(exports) ? [exports, ...Object.values(exports)] : [exports];
  } catch {
    // A getter that throws.
    return [];
  }
}

/** The file that `path` means, if it is a symbolic link. What is named in that file may be beside either. */
export function linkTargetOf(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
    ? realpathSync(path)
    : undefined;
}

/** The folders at which a relative path in the file at `path` may start: its own first. */
export function baseDirsOf(path: string): readonly string[] {
  const target = linkTargetOf(path);
  return [...new Set([dirname(path), dirname(target ?? path)])];
}
