// The one-time token, given in a way that no process list shows: on standard input, or in a file.
import { constants, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { ConfigError, messageOf } from '../../errors.ts';
import { shellQuoted } from '../../state/private-file.ts';
import { UsageError } from '../terminal/failure.ts';
import { terminal } from '../terminal/output.ts';

const MOST_BYTES = 64 * 1024;
const READABLE_BY_OTHERS = 0o044;

export interface TokenOptions {
  /** The token itself, or `-`. */
  readonly token?: string;
  readonly tokenFile?: string;
}

/** Undefined if no token is given. Throws a UsageError or a ConfigError that says where there is none. */
export async function readToken({ token, tokenFile }: TokenOptions): Promise<string | undefined> {
  if (tokenFile !== undefined) {
    if (token !== undefined) throw new UsageError('--token and --token-file are both given');
    return readFromFile(tokenFile);
  }
  return token === '-' ? readFromInput() : token;
}

async function readFromInput(): Promise<string> {
  if (process.stdin.isTTY) terminal(process.stderr).error('Paste the token and press Enter:');
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const piece of process.stdin) {
    text += String(piece);
    if (text.includes('\n') || text.length > MOST_BYTES) break;
  }
  return tokenIn(text, 'standard input');
}

async function readFromFile(path: string): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY);
    const warning = openToOthers(path, await file.stat());
    if (warning !== undefined) terminal(process.stderr).error(warning);
    let text = '';
    for await (const piece of file.createReadStream({ encoding: 'utf8', end: MOST_BYTES }))
      text += String(piece);
    return tokenIn(text, `the token file ${path}`);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    throw new ConfigError(`the token file ${path} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: 'Write the token from Coda into it, readable by this user.',
    });
  } finally {
    await file?.close().catch(() => {});
  }
}

/** A warning if a file with a token can be read by other users. */
export function openToOthers(path: string, stats: Stats): string | undefined {
  const mode = stats.mode & 0o777;
  if (!stats.isFile() || (mode & READABLE_BY_OTHERS) === 0) return undefined;
  return `warning: other users can read ${path} (mode ${mode.toString(8)}), which holds a token\n  → chmod 600 ${shellQuoted(path)}`;
}

/** One line; blanks around it do not belong to the token. */
function tokenIn(text: string, place: string): string {
  const [first = '', ...more] = text.trim().split('\n');
  const token = first.trim();
  if (token !== '' && text.length <= MOST_BYTES && more.every((line) => line.trim() === '')) return token;
  const what = token === '' ? 'has no token' : 'has more than a token';
  throw new ConfigError(`${place} ${what}`, { remedy: 'It must be the token from Coda, on one line.' });
}
