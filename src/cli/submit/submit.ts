// The logic of `coda submit` and `coda cancel`: jobs for the node of a running `coda dev`.
import { readFile } from 'node:fs/promises';
import { ConfigError, JobError, messageOf } from '../../errors.ts';
import { parseIr, type NativeGateIR } from '../../protocol/ir.ts';
import { parseShots } from '../../protocol/job.ts';
import type { JobEnd } from '../../testing/index.ts';
import { connectToSession, type DevClient } from '../dev/client.ts';
import type { Output } from '../terminal/output.ts';
import { reportLines } from '../dev/report.ts';

interface Common {
  readonly out: Output;
  /** One JSON object instead of words. */
  readonly json?: boolean;
  /** Default: the process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface SubmitOptions extends Common {
  /** Default 1000. */
  readonly shots?: number;
  /** Waits for the job's end and shows its counts. */
  readonly wait?: boolean;
  /** What the file `-` stands for. Default: the process's own. */
  readonly stdin?: AsyncIterable<string | Buffer>;
}

const POLL_SEC = 25;

/**
 * Submits the circuit in `file` (NativeGateIR as JSON, PROTOCOL §4; `-` for standard input) to the running dev
 * session, and returns the exit code: 1 if it was waited for and did not complete. Throws a JobError for a
 * circuit or shots that break the contract, before anything is submitted; a ConfigError if the file cannot be
 * read or no session is running.
 */
export async function submitCircuit(file: string, options: SubmitOptions): Promise<number> {
  const { out, json = false, wait = false, env = process.env } = options;
  const ir = await readCircuit(file, options.stdin ?? process.stdin);
  const shots = parseShots(String(options.shots ?? 1000));
  const client = connectToSession(env);
  try {
    const jobId = await client.submit(ir, shots);
    if (!wait) {
      out.write(json ? JSON.stringify({ job_id: jobId }) : `submitted ${jobId}`);
      return 0;
    }
    if (!json) out.write(`submitted ${jobId}, waiting for its end`);
    const end = await endOf(client, jobId);
    if (json) out.write(JSON.stringify(end));
    else for (const line of reportLines({ end }, out)) out.write(line);
    return end.status === 'completed' ? 0 : 1;
  } finally {
    await client.close();
  }
}

/**
 * Cancels a job of the running dev session and returns the exit code: 0 once the cancel has taken effect or is
 * on its way, 1 if the job ended otherwise first. Throws a JobError for a job that is unknown or has ended, and
 * a ConfigError if no session is running.
 */
export async function cancelJob(
  jobId: string,
  { out, json = false, env = process.env }: Common,
): Promise<number> {
  const client = connectToSession(env);
  try {
    const { state, end } = await client.cancel(jobId);
    if (json) out.write(JSON.stringify({ job_id: jobId, state }));
    else if (state === 'cancelled') out.write(`cancelled ${jobId}`);
    else if (end !== null) out.error(`${jobId} had ${state} before the cancel took effect`);
    else out.write(`cancel of ${jobId} is requested, but it is still ${state}`);
    return end === null || state === 'cancelled' ? 0 : 1;
  } finally {
    await client.close();
  }
}

async function endOf(client: DevClient, jobId: string): Promise<JobEnd> {
  for (;;) {
    const { end } = await client.job(jobId, POLL_SEC);
    if (end !== null) return end;
  }
}

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
