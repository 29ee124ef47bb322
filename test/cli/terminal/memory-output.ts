// An Output that keeps its lines.
import type { Output } from '../../../src/cli/terminal/output.ts';

export interface MemoryOutput extends Output {
  readonly lines: string[];
  readonly errors: string[];
  /** All lines as one text. */
  text(): string;
}

export function memoryOutput(): MemoryOutput {
  const lines: string[] = [];
  const errors: string[] = [];
  return {
    lines,
    errors,
    colour: false,
    write: (line) => void lines.push(line),
    error: (line) => void errors.push(line),
    json: (value, indent) => void lines.push(JSON.stringify(value, null, indent)),
    text: () => lines.join('\n'),
  };
}
