// Loads modules that users write, TypeScript included, on every supported Node and without their installing a compiler.
// `coda-node` in them is this running package, so that its classes are the same ones (instanceof works).
import { isBuiltin } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Jiti } from 'jiti';

/** What a module exports, by name. */
export type Namespace = Readonly<Record<string, unknown>>;

/** The file that `specifier` (a path or a package) means in a module of `baseDir`; undefined if there is none. */
export async function resolveModule(specifier: string, baseDir: string): Promise<string | undefined> {
  if (isBuiltin(specifier)) return undefined;
  const jiti = await moduleLoader(baseDir);
  // Typed as a string, but a URL object for some kinds of specifiers.
  const found: unknown = jiti.esmResolve(specifier, { try: true });
  if (found instanceof URL) return fileURLToPath(found);
  if (typeof found !== 'string') return undefined;
  return found.startsWith('file:') ? fileURLToPath(found) : found;
}

/** Imports the module at `path`, absolute; the same instance each time. Throws what the module throws. */
export async function importModule(path: string): Promise<Namespace> {
  const jiti = await moduleLoader(dirname(path));
  return jiti.import<Namespace>(path);
}

/** Runs `source`, the module at `path`, afresh, its imports shared with other modules. Throws what the module throws. */
export async function runModule(path: string, source: string): Promise<Namespace> {
  const jiti = await moduleLoader(dirname(path));
  const exported = await jiti.evalModule(source, {
    filename: path,
    ext: extname(path),
    async: true,
    // Node's own loader would look for `coda-node` in the user's node_modules.
    forceTranspile: true,
  });
  return exported as Namespace;
}

/** One line for an error that a user's module caused: where in which file, where that is known, and what. */
export function moduleFailure(thrown: unknown, path: string): string {
  const message = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  const [first = '', second = ''] = message.split('\n').map((line) => line.trim());
  const syntax = /^ParseError: (.*)$/.exec(first);
  if (syntax !== null) return `${second || path}: syntax error: ${syntax[1]}`;
  const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
  const after = stack.indexOf(`${path}:`) + path.length;
  const position = stack.includes(`${path}:`) ? (/^:\d+(:\d+)?/.exec(stack.slice(after))?.[0] ?? '') : '';
  return `${path}${position}: ${first}`;
}

async function moduleLoader(baseDir: string): Promise<Jiti> {
  const [{ createJiti }, { translate }] = await Promise.all([import('jiti'), import('./translate.ts')]);
  return createJiti(join(baseDir, '_'), {
    // The folder may be read-only, and a cache elsewhere would run what others could write there.
    fsCache: false,
    transform: translate,
    virtualModules: {
      'coda-node': await import('../index.ts'),
      // Loaded only when a module asks for it; the loader awaits the promise.
      get 'coda-node/testing'() {
        return import('../testing/index.ts');
      },
    },
  });
}
