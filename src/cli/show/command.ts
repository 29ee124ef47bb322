// `coda show`: draws a circuit, and says how large, how deep and how long it is.
import type { CAC } from 'cac';
import { UsageError } from '../terminal/failure.ts';
import { isUtf8 } from '../terminal/locale.ts';
import {
  JSON_OPTION,
  QASM_OPTIONS,
  targetOption,
  wholeNumberOption,
  type QasmOptions,
} from '../terminal/options.ts';
import { terminal } from '../terminal/output.ts';

interface ShowOptions extends QasmOptions {
  readonly ascii?: boolean;
  readonly width?: string;
  readonly full?: boolean;
  /** Empty, or `-`: to standard output. */
  readonly svg?: string;
  readonly deviceConfig?: string;
  readonly json?: boolean;
}

const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 20;
const MAX_WIDTH = 100_000;

export function addShow(cli: CAC): void {
  const command = cli
    .command('show <circuit>', 'Draw a circuit (OpenQASM, or NativeGateIR as JSON; - for standard input)')
    .option('--ascii', 'Draw with ASCII characters only (the default if the locale is not UTF-8)')
    .option('--width <n>', 'Fold the drawing at this width (default: the width of the terminal)')
    .option('--full', 'Leave nothing out of a long circuit')
    .option('--svg [file]', 'Draw a picture, to this file (it is replaced) or to standard output')
    .option(...JSON_OPTION)
    .option('--device-config <file>', 'The device YAML, for its gate_times_ns (default: that of the node)')
    .example('  coda show bell.qasm                  as the native gates that a run would use')
    .example('  coda show bell.json --svg=bell.svg   a picture, in light and dark')
    .example('  coda show bell.json --json           depth, counts of gates and time as JSON')
    .example('  coda show long.json --full | less -S')
    .action(show);
  for (const [name, text] of QASM_OPTIONS) command.option(name, text);
}

async function show(file: string, options: ShowOptions): Promise<number> {
  const svg = options.svg === '' ? '-' : options.svg;
  if (svg === '-' && options.json === true) {
    throw new UsageError('--svg and --json both go to standard output; write --svg=<file>');
  }
  const width = wholeNumberOption('--width', options.width, MIN_WIDTH, MAX_WIDTH);
  const target = targetOption(options.target);
  const { showCircuit } = await import('./show.ts');
  return showCircuit(file, {
    ascii: options.ascii === true || !isUtf8(process.env),
    // A pipe has no width.
    width: width ?? process.stdout.columns ?? DEFAULT_WIDTH,
    full: options.full === true,
    svg,
    json: options.json === true,
    target,
    compile: options.compile !== false,
    deviceConfig: options.deviceConfig,
    out: terminal(process.stdout),
  });
}
