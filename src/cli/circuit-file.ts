// Reads a circuit for the commands that take one, from a file or standard input.
import { readFile } from 'node:fs/promises';
import { ConfigError, messageOf } from '../errors.ts';
import { circuitText, type CircuitFile, type CircuitFormat, type CircuitText } from '../qasm/read-circuit.ts';

/** `file` may be `-` for `stdin`. Throws a ConfigError if it cannot be read. */
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
  return circuitText(file, name, text, from);
}

/** What became of a program in OpenQASM, as a line for people; undefined for JSON. */
export function translationText({ name }: CircuitText, { circuit, gates }: CircuitFile): string | undefined {
  if (gates === undefined) return undefined;
  const count = (number: number): string => `${number} gate${number === 1 ? '' : 's'}`;
  return `${name}: ${count(gates.source)} became ${count(gates.native)} of target ${circuit.target}`;
}

async function readAll(stream: AsyncIterable<string | Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks).toString('utf8');
}
