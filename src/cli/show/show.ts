// The logic of `coda show`.
import { writeFile } from 'node:fs/promises';
import { drawSvg } from '../../drawing/svg.ts';
import { drawText } from '../../drawing/text.ts';
import { durationOf, figuresOf, type Duration, type Figures } from '../../drawing/figures.ts';
import { layOut, type Layout } from '../../drawing/layout.ts';
import { ASCII_SIGNS, nanosecondsText, UNICODE_SIGNS } from '../../drawing/symbols.ts';
import { messageOf } from '../../errors.ts';
import type { Target } from '../../protocol/ir.ts';
import type { CircuitFile } from '../../qasm/read-circuit.ts';
import { readCircuitText } from '../circuit-file.ts';
import { deviceFacts, readForDevice } from '../device-facts.ts';
import { CommandError } from '../terminal/failure.ts';
import { textOutput, type Output } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';
import { countText } from '../terminal/words.ts';
import { readGateTimes, type KnownTimes } from './gate-times.ts';

export interface ShowRun {
  readonly ascii: boolean;
  /** In characters. */
  readonly width: number;
  /** Leaves nothing out. */
  readonly full: boolean;
  /** A file, or `-` for standard output; undefined: a drawing as text. */
  readonly svg: string | undefined;
  readonly json: boolean;
  readonly target: Target | undefined;
  readonly compile: boolean;
  /** The device YAML; by default that of the node, if there is one. */
  readonly deviceConfig: string | undefined;
  readonly out: Output;
}

const SHOWN_IDLE = 10;

export async function showCircuit(file: string, run: ShowRun): Promise<number> {
  const { out, svg } = run;
  const source = await readCircuitText(file, process.stdin);
  const read = await readForDevice(source, run);
  const { circuit } = read;
  const layout = layOut(circuit);
  if (svg !== undefined) {
    const limit = run.full ? { maxHeight: Infinity } : {};
    await write(svg, drawSvg(layout, { title: titleOf(source.name, circuit.target), ...limit }), out);
  }
  const configured = run.deviceConfig ?? (await deviceFacts()).deviceConfig;
  const times = await readGateTimes(configured, run.deviceConfig !== undefined);
  for (const warning of [...read.warnings, ...(times?.warnings ?? [])]) out.error(`warning: ${warning}`);
  const figures = figuresOf(circuit);
  const duration = times === undefined ? undefined : durationOf(circuit, times.times);
  if (run.json) {
    out.json({ file: source.name, target: circuit.target, ...jsonOf(figures, duration, read) }, 2);
  } else if (svg === undefined) {
    const limit = run.full ? { maxLines: Infinity } : {};
    for (const line of drawText(layout, { width: run.width, ascii: run.ascii, ...limit })) out.write(line);
    out.write('');
    for (const line of table(rowsOf(layout, read, figures, { duration, times, ascii: run.ascii })))
      out.write(line);
  }
  return 0;
}

async function write(path: string, svg: string, out: Output): Promise<void> {
  if (path === '-') {
    textOutput()(`${svg}\n`);
    return;
  }
  try {
    await writeFile(path, `${svg}\n`);
  } catch (cause) {
    throw new CommandError(`the picture cannot be written to ${path}: ${messageOf(cause)}`, { cause });
  }
  out.error(`wrote ${path}`);
}

function titleOf(name: string, target: Target): string {
  return `The circuit of ${name}, for target ${target}`;
}

function jsonOf(figures: Figures, duration: Duration | undefined, { gates }: CircuitFile): object {
  return {
    num_qubits: figures.qubits,
    qubits_used: figures.qubitsUsed,
    gates: figures.gates,
    gates_by_name: Object.fromEntries(figures.byGate),
    two_qubit_gates: figures.twoQubitGates,
    depth: figures.depth,
    two_qubit_depth: figures.twoQubitDepth,
    measurements: figures.measurements,
    duration_ns: duration !== undefined && 'nanoseconds' in duration ? duration.nanoseconds : null,
    ...(gates && { source_gates: gates.source }),
  };
}

interface Timing {
  readonly duration: Duration | undefined;
  readonly times: KnownTimes | undefined;
  readonly ascii: boolean;
}

function rowsOf(
  layout: Layout,
  { circuit, gates }: CircuitFile,
  figures: Figures,
  timing: Timing,
): string[][] {
  const { byGate, twoQubitGates, depth, twoQubitDepth } = figures;
  const names = byGate.map(([name, count]) => `${name} ${count}`).join(', ');
  const became = gates === undefined ? '' : `, from ${countText(gates.source, 'gate')} of OpenQASM`;
  return [
    ['target', circuit.target],
    ['qubits', `${figures.qubitsUsed} of ${figures.qubits} used${idleText(layout)}`],
    ['gates', `${figures.gates}${names === '' ? '' : ` (${names})`}${became}`],
    ['two-qubit gates', `${twoQubitGates}`],
    ['depth', `${depth}, of two-qubit gates alone ${twoQubitDepth}`],
    ['measurements', `${figures.measurements}`],
    ...timeRow(timing),
  ];
}

/** Which qubits have no wire in the drawing. */
function idleText({ wires, circuit }: Layout): string {
  const drawn = new Set(wires);
  const idle = Array.from({ length: circuit.num_qubits }, (_, qubit) => qubit).filter(
    (qubit) => !drawn.has(qubit),
  );
  if (idle.length === 0) return '';
  const shown = idle.slice(0, SHOWN_IDLE).map((qubit) => `q${qubit}`);
  const rest = idle.length - shown.length;
  return `; not drawn: ${shown.join(' ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function timeRow({ duration, times, ascii }: Timing): string[][] {
  if (duration === undefined || times === undefined) return [];
  if ('missing' in duration) {
    return [['time', `not known: ${times.path} has no gate_times_ns for ${duration.missing.join(', ')}`]];
  }
  const text = nanosecondsText(duration.nanoseconds, ascii ? ASCII_SIGNS : UNICODE_SIGNS);
  const without = duration.isWhole ? '' : ', without the measurement';
  return [['time', `about ${text} a shot${without} (gate times of ${times.path})`]];
}
