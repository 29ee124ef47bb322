// Names what was given in place of a NativeGateIR: a circuit in another format, or another encoding. Asked only when a
// circuit cannot be read, so that the error says what it is and what to do, instead of where a parser gave up.
import { isRecord } from './text.ts';

const TAKEN = 'this node takes NativeGateIR 1.0, as JSON in UTF-8';
const COMPILE = 'Compile it to NativeGateIR for this device first, as the Coda cloud does';
const LOOKED_AT = 4_096;

interface Format {
  readonly name: string;
  readonly start: RegExp | readonly string[];
  /** What to do; by default to compile it. */
  readonly remedy?: string;
}

/** By how they start, decoded as UTF-8: bytes that are none have become U+FFFD. The first that fits counts. */
const TEXTS: readonly Format[] = [
  {
    name: 'text in UTF-16',
    start: ['\uFFFD\uFFFD', '{\0', '\0{', 'O\0', '\0O'],
    remedy: 'Save it as UTF-8',
  },
  { name: 'a gzip file', start: ['\x1F\uFFFD\b'], remedy: 'Unpack it first (gunzip)' },
  { name: 'gzip in base64', start: ['H4sI'], remedy: 'Unpack it first (base64 -d, gunzip)' },
  { name: 'a zip file', start: ['PK\x03\x04'], remedy: 'Unpack it first (unzip)' },
  { name: 'a zstd file', start: ['(\uFFFD/\uFFFD'], remedy: 'Unpack it first (unzstd)' },
  { name: 'a bzip2 file', start: ['BZh'], remedy: 'Unpack it first (bunzip2)' },
  { name: 'an xz file', start: ['\uFFFD7zXZ'], remedy: 'Unpack it first (unxz)' },
  { name: 'Qiskit QPY', start: ['QISKIT'] },
  { name: 'a Python pickle', start: ['\uFFFD\x02', '\uFFFD\x03', '\uFFFD\x04', '\uFFFD\x05'] },
  { name: 'QIR (LLVM bitcode)', start: ['BC\uFFFD'] },
  {
    name: 'QIR (LLVM)',
    start: /^\s*(?:; ModuleID|source_filename\s*=|%Qubit\b|%Result\b|declare .*@__quantum__)/,
  },
  { name: 'Quil', start: /^\s*(?:#.*\n\s*)*(?:DECLARE\s+\w+\s+(?:BIT|REAL|OCTET|INTEGER)|DEFGATE|PRAGMA)\b/ },
  { name: 'a Python program', start: /^\s*(?:#.*\n\s*)*(?:from\s+[\w.]+\s+import|import\s+[\w.]+)\s/ },
  {
    name: 'HTML or XML',
    start: /^\s*<[!?a-z]/i,
    remedy: 'Look at where it was loaded from: perhaps it is a login page',
  },
];

const OPENQASM =
  /^\s*(?:(?:\/\/.*\n|\/\*(?:[^*]|\*(?!\/))*\*\/)\s*)*(?:OPENQASM\s+([\d.]{1,9})|(include\s+"|[qc]reg\s|qubit(?:\[|\s)|bit\[|gate\s+\w+[\s(][^;{]*\{))/;

/** By keys that only their documents have. */
const DOCUMENTS: readonly (readonly [
  string,
  (found: Readonly<Record<string, unknown>>) => boolean,
  string?,
])[] = [
  ['a Cirq circuit', (found) => 'cirq_type' in found],
  ['a Braket program', (found) => 'braketSchemaHeader' in found],
  ['a Qiskit Qobj', (found) => 'qobj_id' in found || ('experiments' in found && 'schema_version' in found)],
  ['a Qiskit object', (found) => '__type__' in found || '__class__' in found],
  [
    'an IonQ circuit',
    (found) => Array.isArray(found['circuit']) || String(found['format']).startsWith('ionq.'),
  ],
  ['a pytket circuit', (found) => Array.isArray(found['commands']) && 'qubits' in found],
  [
    'a whole job',
    (found) => 'ir_json' in found || 'ir' in found,
    'Give only the circuit: what is in its field ir_json or ir',
  ],
];

/** Whether a text begins as a program in OpenQASM does: with its version, an `include`, or a register. */
export function isOpenQasm(text: string): boolean {
  return OPENQASM.test(text.slice(0, LOOKED_AT));
}

/** What a text is that is not JSON, as an error message; undefined if it is not known. */
export function foreignText(text: string): string | undefined {
  if (text.trim() === '') return message('empty', 'Look at how it was made');
  const start = text.slice(0, LOOKED_AT);
  const qasm = OPENQASM.exec(start);
  if (qasm !== null) return message(qasm[1] === undefined ? 'OpenQASM' : `OpenQASM ${qasm[1]}`);
  const format = TEXTS.find((known) =>
    known.start instanceof RegExp ? known.start.test(start) : known.start.some((it) => start.startsWith(it)),
  );
  return format && message(format.name, format.remedy);
}

/** What a document is that is JSON, but no NativeGateIR, as an error message; undefined if it is not known. */
export function foreignDocument(value: unknown): string | undefined {
  if (typeof value === 'string') {
    return foreignText(value) ?? message('JSON in a JSON string', 'Encode it once, not twice');
  }
  if (!isRecord(value) || 'gates' in value) return undefined;
  const known = DOCUMENTS.find(([, isIt]) => isIt(value));
  return known && message(known[0], known[2]);
}

function message(name: string, remedy = COMPILE): string {
  return `the circuit is ${name}; ${TAKEN}. ${remedy}`;
}
