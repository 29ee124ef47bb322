// Stack traces of translated modules: the translation keeps the lines, and here the columns become those of the author's
// text again. Once a process, as the modules themselves are.
import { SourceMap, type SourceMapping } from 'node:module';

/** What jiti puts before the first line. */
const BEFORE = '(function (exports, require, module, __filename, __dirname, jitiImport, jitiESMResolve) { ';
const BEFORE_ASYNC = `(async ${BEFORE.slice(1)}`;

interface Translation {
  readonly isAsync: boolean;
  /** Makes its source map, as JSON; called only if an error needs it. */
  readonly makeMap: () => string;
  map?: SourceMap | null;
}

const translations = new Map<string, Translation>();

/** A frame of a stack, which its types say too little of. */
interface Frame extends NodeJS.CallSite {
  toString(): string;
}

/** From now on, stacks show the author's columns of this file. */
export function showAuthorsColumns(file: string, isAsync: boolean, makeMap: () => string): void {
  if (translations.size === 0) install();
  translations.set(file, { isAsync, makeMap });
}

function install(): void {
  // Of whoever was first, or Node's own; some versions have none.
  const before: unknown = Reflect.get(Error, 'prepareStackTrace');
  Error.prepareStackTrace = (error: Error, frames: readonly Frame[]): unknown => {
    const isTranslated = frames.some((frame) => translations.has(frame.getFileName() ?? ''));
    return isTranslated || typeof before !== 'function'
      ? stackText(error, frames)
      : Reflect.apply(before, Error, [error, frames]);
  };
}

function stackText(error: Error, frames: readonly Frame[]): string {
  const lines = frames.map((frame) => `\n    at ${frameText(frame)}`);
  return `${headOf(error)}${lines.join('')}`;
}

function headOf(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return '<error>';
  }
}

function frameText(frame: Frame): string {
  const text = frame.toString();
  const file = frame.getFileName();
  const line = frame.getLineNumber();
  const column = frame.getColumnNumber();
  if (typeof file !== 'string' || line === null || column === null) return text;
  const translation = translations.get(file);
  if (translation === undefined) return text;
  const found = authorsColumn(translation, line, column);
  return found === undefined
    ? text
    : text.replace(`${file}:${line}:${column}`, () => `${file}:${line}:${found}`);
}

/** Lines and columns begin at 1. Undefined if it is not known. */
function authorsColumn(translation: Translation, line: number, column: number): number | undefined {
  translation.map ??= mapOf(translation);
  const before = line === 1 ? (translation.isAsync ? BEFORE_ASYNC : BEFORE).length : 0;
  const entry = translation.map?.findEntry(line - 1, column - 1 - before);
  const { originalLine, originalColumn } = { ...entry } as Partial<SourceMapping>;
  return originalLine === line - 1 && originalColumn !== undefined ? originalColumn + 1 : undefined;
}

function mapOf({ makeMap }: Translation): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(makeMap()));
  } catch {
    // A stack without columns is better than none.
    return null;
  }
}
