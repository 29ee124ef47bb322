// Reads a circuit as people write it: NativeGateIR as JSON (PROTOCOL §4) or OpenQASM, whose reader is loaded only if it is
// needed.
import { JobError, messageOf } from '../errors.ts';
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

/** An error about a circuit is also sent to the cloud, which takes one format alone; people may give two. */
const FORMATS =
  'A command takes OpenQASM 2 and 3, too; Qiskit writes it with qasm3.dumps(circuit). Both formats: coda docs circuits';

/** The content says which format it is, and the name of its file where the content does not; `from` wins over both. */
export function circuitText(file: string, name: string, text: string, from?: CircuitFormat): CircuitText {
  const plain = text.startsWith('\uFEFF') ? text.slice(1) : text;
  return { name, text: plain, format: from ?? formatOf(file, plain) };
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
  const { parseQasm } = await import('./index.ts');
  const parsed = parseQasm(text, { file: name, compile, ...(target === undefined ? {} : { target }) });
  const { circuit, gates } = parsed;
  const warnings = parsed.warnings.map(
    ({ line, column, message, hint }) =>
      `${name}:${line}:${column}: ${message}${hint === undefined ? '' : ` (${hint})`}`,
  );
  return { circuit, gates, warnings };
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
