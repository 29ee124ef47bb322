// Reads a circuit for `coda run` and `coda submit`: NativeGateIR as JSON (PROTOCOL §4), from a file or standard input.
import { readFile } from 'node:fs/promises';
import { ConfigError, JobError, messageOf } from '../errors.ts';
import { parseIr, type NativeGateIR } from '../protocol/ir.ts';

/** `file` may be `-` for `stdin`. Throws a ConfigError if it cannot be read, a JobError if it is not a valid circuit. */
export async function readCircuit(
  file: string,
  stdin: AsyncIterable<string | Buffer>,
): Promise<NativeGateIR> {
  const name = file === '-' ? 'standard input' : file;
  let text: string;
  try {
    text = file === '-' ? await readAll(stdin) : await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`the circuit cannot be read from ${name}: ${messageOf(cause)}`, { cause });
  }
  try {
    return parseIr(text);
  } catch (cause) {
    throw new JobError(`the circuit in ${name} is not valid: ${messageOf(cause)}`, { cause });
  }
}

async function readAll(stream: AsyncIterable<string | Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks).toString('utf8');
}
