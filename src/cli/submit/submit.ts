// The logic of `coda submit` and `coda cancel`: jobs for the node of a running `coda dev`.
import type { Target } from '../../protocol/ir.ts';
import { parseShots } from '../../protocol/job.ts';
import type { JobEnd } from '../../testing/index.ts';
import { parseCircuit, type CircuitFile, type CircuitText } from '../../qasm/read-circuit.ts';
import { readCircuitText, translationText } from '../circuit-file.ts';
import { checkEdges } from '../../device/check-edges.ts';
import { targetOf } from '../device-facts.ts';
import { connectToSession, type DevClient } from '../dev/client.ts';
import type { Output } from '../terminal/output.ts';
import { reportLines } from '../dev/report.ts';

interface Common {
  readonly out: Output;
  /** Prints one JSON object instead of text. */
  readonly json?: boolean;
  /** Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface SubmitOptions extends Common {
  /** Default 1000. */
  readonly shots?: number;
  /** For OpenQASM: the native gates. Default: the session's. */
  readonly target?: Target;
  /** For OpenQASM: false refuses gates that the target does not have, instead of translating them. Default true. */
  readonly compile?: boolean;
  /** Waits for the job's end and shows its counts. */
  readonly wait?: boolean;
  /** What the file `-` stands for. Default: the standard input of this process. */
  readonly stdin?: AsyncIterable<string | Buffer>;
}

const POLL_SEC = 25;

/**
 * Submits the circuit in `file` (OpenQASM, or NativeGateIR as JSON, PROTOCOL §4; `-` for standard input) to the running
 * dev session, and returns the exit code: 1 if the job was waited for and did not complete. Before anything is submitted,
 * throws a JobError for a circuit or shots that break the contract, a QasmError for a program that is not taken, and a
 * ConfigError if the file cannot be read or no session is running.
 */
export async function submitCircuit(file: string, options: SubmitOptions): Promise<number> {
  const { out, json = false, wait = false, env = process.env } = options;
  const source = await readCircuitText(file, options.stdin ?? process.stdin);
  // What is wrong with JSON is said without a session.
  const native = source.format === 'json' ? await parseCircuit(source, { compile: false }) : undefined;
  const shots = parseShots(String(options.shots ?? 1000));
  const client = connectToSession(env);
  try {
    const read = native ?? (await readFor(source, client, options));
    for (const warning of read.warnings) out.error(`warning: ${warning}`);
    const translation = translationText(source, read);
    if (translation !== undefined && !json) out.write(translation);
    const gates = read.gates && { gates: read.gates };
    const jobId = await client.submit(read.circuit, shots);
    if (!wait) {
      if (json) out.json({ job_id: jobId, ...gates });
      else out.write(`submitted ${jobId}`);
      return 0;
    }
    if (!json) out.write(`submitted ${jobId}, waiting for its end`);
    const end = await endOf(client, jobId);
    if (json) out.json({ ...end, ...gates });
    else for (const line of reportLines({ end }, out)) out.write(line);
    return end.status === 'completed' ? 0 : 1;
  } finally {
    await client.close();
  }
}

/**
 * Cancels a job of the running dev session and returns the exit code: 0 if the job is cancelled or about to be, 1 if it
 * ended some other way first. Throws a JobError for a job that is unknown or has ended, and a ConfigError if no session
 * is running.
 */
export async function cancelJob(
  jobId: string,
  { out, json = false, env = process.env }: Common,
): Promise<number> {
  const client = connectToSession(env);
  try {
    const { state, end } = await client.cancel(jobId);
    if (json) out.json({ job_id: jobId, state });
    else if (state === 'cancelled') out.write(`cancelled ${jobId}`);
    else if (end !== null) out.error(`${jobId} had ${state} before the cancel took effect`);
    else out.write(`the cancel of ${jobId} is requested; the job is still ${state}`);
    return end === null || state === 'cancelled' ? 0 : 1;
  } finally {
    await client.close();
  }
}

/** For the device of the session. */
async function readFor(
  source: CircuitText,
  client: DevClient,
  { target, compile = true }: SubmitOptions,
): Promise<CircuitFile> {
  const device = await client.device();
  const read = await parseCircuit(source, { target: target ?? targetOf(device.native_gate_set), compile });
  checkEdges(source.name, read.circuit, { edges: device.connectivity, isDirected: false });
  return read;
}

async function endOf(client: DevClient, jobId: string): Promise<JobEnd> {
  for (;;) {
    const { end } = await client.job(jobId, POLL_SEC);
    if (end !== null) return end;
  }
}
