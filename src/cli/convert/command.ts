// `coda convert`: from OpenQASM to NativeGateIR as JSON, and back.
import type { CAC } from 'cac';
import type { CircuitFormat } from '../../qasm/read-circuit.ts';
import { oneOf, TARGET_OPTION, targetOption } from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface ConvertOptions {
  readonly from?: string;
  readonly to?: string;
  readonly target?: string;
  readonly compile?: boolean;
  readonly qasmVersion?: string;
}

export const FORMATS = ['json', 'qasm'] as const satisfies readonly CircuitFormat[];
export const VERSIONS = ['2', '3'] as const;

export function addConvert(cli: CAC): void {
  cli
    .command(
      'convert <input> [output]',
      'Convert a circuit between OpenQASM and NativeGateIR as JSON; - for standard input or output',
    )
    .option('--from <format>', 'Format of the input: json or qasm (default: as its content says)')
    .option('--to <format>', 'Format of the output (default: as its name says, else the other one)')
    .option(...TARGET_OPTION)
    .option('--compile', 'Translate gates that the target does not have, instead of refusing them')
    .option('--qasm-version <version>', 'OpenQASM to write: 2 or 3 (default: 3)')
    .example('  coda convert bell.qasm bell.json --target cz --compile')
    .example('  coda convert bell.json bell.qasm     an output that exists is replaced, as cp does')
    .example('  coda convert bell.json --qasm-version 2 | less')
    .action(convert);
}

async function convert(input: string, output: string | undefined, options: ConvertOptions): Promise<number> {
  const format = (name: string, given?: string) =>
    given === undefined ? undefined : oneOf(name, given, FORMATS);
  const from = format('--from', options.from);
  const to = format('--to', options.to);
  const target = targetOption(options.target);
  const version = oneOf('--qasm-version', options.qasmVersion ?? '3', VERSIONS);
  const { convertCircuit } = await import('./convert.ts');
  return convertCircuit(input, output ?? '-', {
    from,
    to,
    target,
    compile: options.compile === true,
    qasmVersion: version === '2' ? 2 : 3,
    out: terminal(process.stdout),
  });
}
