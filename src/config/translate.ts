// Translates a user's TypeScript or modern JavaScript for jiti. sucrase needs a tenth of the time that jiti's own Babel
// takes to load; Babel remains for the rare syntax that sucrase does not handle, and for error messages.
import { extname } from 'node:path';
import { Script } from 'node:vm';
import { createJiti, type TransformOptions, type TransformResult } from 'jiti';
import { transform, type Options } from 'sucrase';
import { showAuthorsColumns } from './authors-columns.ts';

/** Syntax that sucrase does not translate as jiti needs it. A match in a comment only costs time. */
const BEYOND_SUCRASE = /\bimport\s*[(.]|\b(require|module|namespace|jitiImport)\b/;

/** jiti's `transform`. */
export function translate(options: TransformOptions): TransformResult {
  const code = BEYOND_SUCRASE.test(options.source) ? undefined : quickly(options);
  const { filename, async: isAsync = false } = options;
  if (filename !== undefined) {
    const makeMap = (): string => (code === undefined ? babelMap(options) : sucraseMap(options));
    showAuthorsColumns(filename, isAsync, makeMap);
  }
  // Without a transform of ours jiti uses its own Babel.
  return { code: code ?? createJiti(import.meta.url, { fsCache: false }).transform(options) };
}

function sucraseMap({ source, filename = '' }: TransformOptions): string {
  const compiledFilename = filename;
  const { sourceMap } = transform(source, {
    ...sucraseOptions(filename),
    sourceMapOptions: { compiledFilename },
  });
  return JSON.stringify(sourceMap);
}

function babelMap(options: TransformOptions): string {
  const babel = { ...options.babel, sourceMaps: 'inline', sourceFileName: options.filename };
  const code = createJiti(import.meta.url, { fsCache: false }).transform({ ...options, babel });
  return Buffer.from(/;base64,([\w+/=]+)\s*$/.exec(code)?.[1] ?? '', 'base64').toString();
}

function sucraseOptions(filename: string): Options {
  const isTyped = /^\.[cm]?ts$/.test(extname(filename));
  return {
    filePath: filename,
    transforms: isTyped ? ['typescript', 'imports'] : ['imports'],
    // Every supported Node knows this syntax.
    disableESTransforms: true,
  };
}

/** Undefined for code that needs Babel, and for mistakes. */
function quickly({ source, filename = '', async }: TransformOptions): string | undefined {
  try {
    const { code } = transform(source, sucraseOptions(filename));
    // As Babel does it for jiti, so that any kind of module can be imported.
    const ready = async === true ? code.replace(/\brequire\(('[^']*')\)/g, '(await jitiImport($1))') : code;
    // sucrase accepts much that is not JavaScript; Babel then says what is wrong, and where.
    void new Script(`(${async === true ? 'async ' : ''}function () {${ready}\n})`);
    return ready;
  } catch {
    return undefined;
  }
}
