// Runs `coda` as a real process, as an operator does.
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '../../src/testing/index.ts';

const MAIN = fileURLToPath(new URL('../../bundle/coda.cjs', import.meta.url));

export interface CodaProcess {
  readonly child: ChildProcess;
  /** What it has written to either stream so far. */
  output(): string;
  /** Resolves once the output contains `text`. */
  says(text: string): Promise<void>;
  /** Resolves with the exit code; null if a signal ended it. */
  readonly ended: Promise<number | null>;
}

export interface CodaOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The file behind the command; by default that of the build. */
  readonly main?: string;
  /** The Node.js that runs it; by default the one that runs this. */
  readonly node?: string;
  /** The words of a command that runs the words after it, such as `nice`. */
  readonly under?: readonly string[];
  /** Whether its standard input is a pipe, `child.stdin`; otherwise it is empty. */
  readonly isTold?: boolean;
}

export function coda(
  args: readonly string[],
  { cwd, env = {}, main = MAIN, node = process.execPath, under = [], isTold = false }: CodaOptions,
): CodaProcess {
  const [command = node, ...words] = [...under, node, main, ...args];
  const child = spawn(command, words, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, TMPDIR: cwd, ...env },
    stdio: 'pipe',
  });
  if (!isTold) child.stdin.end();
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const says = async (wanted: string): Promise<void> => {
    try {
      await waitUntil(`coda saying ${JSON.stringify(wanted)}`, () => text.includes(wanted));
    } catch (thrown) {
      throw new Error(`${String(thrown)}; it said:\n${text}`, { cause: thrown });
    }
  };
  return { child, output: () => text, says, ended };
}
