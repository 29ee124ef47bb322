// The logic of `coda convert`. The output is written only after all of the input has been read and understood.
import { writeFile } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';
import type { NativeGateIR, Target } from '../../protocol/ir.ts';
import {
  formatOfName,
  parseCircuit,
  type CircuitFile,
  type CircuitFormat,
  type CircuitText,
} from '../../qasm/read-circuit.ts';
import { readCircuitText, translationText } from '../circuit-file.ts';
import { readForDevice } from '../device-facts.ts';
import { CommandError } from '../terminal/failure.ts';
import { textOutput, type Output } from '../terminal/output.ts';

export interface Conversion {
  readonly from: CircuitFormat | undefined;
  readonly to: CircuitFormat | undefined;
  readonly target: Target | undefined;
  readonly compile: boolean;
  readonly qasmVersion: 2 | 3;
  readonly out: Output;
}

/** `-` stands for standard input or output. */
export async function convertCircuit(input: string, output: string, options: Conversion): Promise<number> {
  const { target, compile, out } = options;
  const source = await readCircuitText(input, process.stdin, options.from);
  const to = options.to ?? formatOfName(output) ?? (source.format === 'json' ? 'qasm' : 'json');
  const read = compile ? await readForDevice(source, { target, compile }) : await exactly(source, target);
  for (const warning of read.warnings) out.error(`warning: ${warning}`);
  const text = to === 'json' ? jsonOf(read.circuit) : await qasmOf(read.circuit, options.qasmVersion);
  if (output === '-') {
    textOutput()(text);
  } else {
    await writeFile(output, text).catch((cause: unknown) => {
      throw new CommandError(`${output} cannot be written: ${messageOf(cause)}`, { cause });
    });
  }
  const translation = compile ? translationText(source, read) : undefined;
  if (translation !== undefined) out.error(translation);
  return 0;
}

/** Without a translation. If that is all that is in the way, the error says so. */
async function exactly(source: CircuitText, target: Target | undefined): Promise<CircuitFile> {
  try {
    return await parseCircuit(source, { target, compile: false });
  } catch (thrown) {
    const { QasmError } = await import('../../qasm/index.ts');
    if (!(thrown instanceof QasmError)) throw thrown;
    const isReadable = await readForDevice(source, { target, compile: true }).then(
      () => true,
      () => false,
    );
    if (!isReadable) throw thrown;
    const { message, diagnostics } = thrown;
    throw new QasmError(message, {
      cause: thrown,
      diagnostics,
      remedy: 'coda convert --compile translates it, to the gates of --target.',
    });
  }
}

async function qasmOf(circuit: NativeGateIR, version: 2 | 3): Promise<string> {
  const { printQasm } = await import('../../qasm/index.ts');
  return printQasm(circuit, { version });
}

/** JSON with one gate on each line. */
function jsonOf(circuit: NativeGateIR): string {
  const gates = circuit.gates.map((gate) => `\n    ${JSON.stringify(gate)}`).join(',');
  const fields = Object.entries(circuit).map(
    ([name, value]) =>
      `  "${name}": ${name === 'gates' ? `[${gates}${gates && '\n  '}]` : JSON.stringify(value)}`,
  );
  return `{\n${fields.join(',\n')}\n}\n`;
}
