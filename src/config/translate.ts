// Makes of a user's TypeScript, or of modern JavaScript, what jiti runs. sucrase does it in a tenth of the time that
// jiti's own Babel takes to load; Babel stays for the rare syntax that sucrase leaves alone, and for naming mistakes.
import { extname } from 'node:path';
import { Script } from 'node:vm';
import { createJiti, type TransformOptions, type TransformResult } from 'jiti';
import { transform } from 'sucrase';

/** What sucrase drops, passes through, or translates in another way than jiti needs it. In a comment it only costs time. */
const BEYOND_SUCRASE = /\bimport\s*[(.]|\b(require|module|namespace|jitiImport)\b/;

/** jiti's `transform`. */
export function translate(options: TransformOptions): TransformResult {
  const code = BEYOND_SUCRASE.test(options.source) ? undefined : quickly(options);
  // Without a transform of ours jiti uses its own Babel.
  return { code: code ?? createJiti(import.meta.url, { fsCache: false }).transform(options) };
}

/** Undefined for what is not its business, mistakes among it. */
function quickly({ source, filename = '', async }: TransformOptions): string | undefined {
  const isTyped = /^\.[cm]?ts$/.test(extname(filename));
  try {
    const { code } = transform(source, {
      filePath: filename,
      transforms: isTyped ? ['typescript', 'imports'] : ['imports'],
      // What every supported Node understands stays as it is.
      disableESTransforms: true,
    });
    // As Babel does it for jiti: so that what is imported may be any kind of module.
    const ready = async === true ? code.replace(/\brequire\(('[^']*')\)/g, '(await jitiImport($1))') : code;
    // sucrase takes much that is no JavaScript; Babel says what is wrong with it, and where.
    void new Script(`(${async === true ? 'async ' : ''}function () {${ready}\n})`);
    return ready;
  } catch {
    return undefined;
  }
}
