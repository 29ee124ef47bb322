// Reads a circuit for the commands that take one: NativeGateIR as JSON (PROTOCOL §4) or OpenQASM, from a file or standard
// input.
import { readFile } from 'node:fs/promises';
import { ConfigError, JobError, messageOf } from '../errors.ts';
import { foreignText, isOpenQasm } from '../protocol/foreign-circuit.ts';
import { parseIr, type NativeGateIR, type Target } from '../protocol/ir.ts';

export type CircuitFormat = 'json' | 'qasm';

/** A circuit that is not parsed yet. */
export interface CircuitText {
  /** For people: the file, or `standard input`. */
  readonly name: string;
  /** Without a byte order mark. */
  readonly text: string;
  readonly format: CircuitFormat;
}

/** How OpenQASM becomes native gates; JSON has them already. */
export interface Translation {
  /** By default the target to which all its gates belong, if there is one alone. */
  readonly target?: Target | undefined;
  /** False: a gate that the target does not have is refused. */
  readonly compile: boolean;
}

export interface CircuitFile {
  readonly circuit: NativeGateIR;
  /** How many gates a program in OpenQASM has, and how many it became; undefined for JSON. */
  readonly gates: { readonly source: number; readonly native: number } | undefined;
  /** For the user, one sentence each. */
  readonly warnings: readonly string[];
}

/** An error about a circuit is also sent to the cloud, which takes one format alone; a command takes two. */
const FORMATS =
  'A command takes OpenQASM 2 and 3, too; Qiskit writes it with qasm3.dumps(circuit). Both formats: coda docs circuits';

/**
 * `file` may be `-` for `stdin`. The content says which format it is, and the name where the content does not; `from`
 * wins over both. Throws a ConfigError if it cannot be read.
 */
export async function readCircuitText(
  file: string,
  stdin: AsyncIterable<string | Buffer>,
  from?: CircuitFormat,
): Promise<CircuitText> {
  const name = file === '-' ? 'standard input' : file;
  let text: string;
  try {
    text = file === '-' ? await readAll(stdin) : await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`the circuit cannot be read from ${name}: ${messageOf(cause)}`, {
      cause,
      remedy: 'Name a file with OpenQASM or NativeGateIR, or - for standard input.',
    });
  }
  if (text.startsWith('\uFEFF')) text = text.slice(1);
  return { name, text, format: from ?? formatOf(file, text) };
}

/** Throws a JobError for JSON that is not a valid circuit, and a QasmError for OpenQASM that is not taken. */
export async function parseCircuit(
  { name, text, format }: CircuitText,
  { target, compile }: Translation,
): Promise<CircuitFile> {
  if (format === 'json') {
    try {
      return { circuit: parseIr(text), gates: undefined, warnings: [] };
    } catch (cause) {
      throw new JobError(`the circuit in ${name} is not valid: ${messageOf(cause)}`, {
        cause,
        remedy: FORMATS,
      });
    }
  }
  const { parseQasm } = await import('../qasm/index.ts');
  const parsed = parseQasm(text, { file: name, compile, ...(target === undefined ? {} : { target }) });
  const { circuit, gates } = parsed;
  const warnings = parsed.warnings.map(
    ({ line, column, message, hint }) =>
      `${name}:${line}:${column}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
  return { circuit, gates, warnings };
}

/** What became of a program in OpenQASM, as a line for people; undefined for JSON. */
export function translationText({ name }: CircuitText, { circuit, gates }: CircuitFile): string | undefined {
  if (gates === undefined) return undefined;
  const count = (number: number): string => `${number} gate${number === 1 ? '' : 's'}`;
  return `${name}: ${count(gates.source)} became ${count(gates.native)} of target ${circuit.target}`;
}

/** The format that a file's name says. */
export function formatOfName(file: string): CircuitFormat | undefined {
  if (/\.qasm[23]?$/i.test(file)) return 'qasm';
  return /\.json$/i.test(file) ? 'json' : undefined;
}

function formatOf(file: string, text: string): CircuitFormat {
  if (isOpenQasm(text)) return 'qasm';
  // A program may begin with a long comment, or without a version. What is known to be something else is named as such.
  const isJson = /^\s*[{["]/.test(text) || foreignText(text) !== undefined;
  return !isJson && formatOfName(file) === 'qasm' ? 'qasm' : 'json';
}

async function readAll(stream: AsyncIterable<string | Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks).toString('utf8');
}
