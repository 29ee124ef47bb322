// The logic of `coda run`: finds, loads, runs and checks the executor exactly as a node does.
import { inspect } from 'node:util';
import { composeNode } from '../../compose.ts';
import { runConfig } from '../run-config.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { attributedMessageOf, ExecutorError, messageOf } from '../../errors.ts';
import { connectivityOf, type LoadedExecutor } from '../../device/executor.ts';
import { createLogger, type Logger } from '../../log.ts';
import type { NativeGateIR, Target } from '../../protocol/ir.ts';
import { checkResult, OddResults } from '../../device/result.ts';
import { webhookBody, type Outcome } from '../../protocol/webhook.ts';
import { histogram } from '../terminal/histogram.ts';
import { logOutput, paint, type Output } from '../terminal/output.ts';
import { parseCircuit, type CircuitFile, type CircuitText } from '../../qasm/read-circuit.ts';
import { readCircuitText, translationText } from '../circuit-file.ts';
import { checkEdges } from '../../device/check-edges.ts';
import { targetOf } from '../device-facts.ts';
import { findRunningNode, runThroughNode } from './through-node.ts';

export interface CircuitRun {
  readonly shots: number;
  readonly json: boolean;
  readonly configPath: string | undefined;
  /** For OpenQASM: the native gates. Default: the device's. */
  readonly target: Target | undefined;
  /** For OpenQASM: whether gates that the target does not have are translated. */
  readonly compile: boolean;
  /** Whether the circuit runs on an executor of this command's own, whatever node runs here. */
  readonly ownExecutor: boolean;
  readonly out: Output;
  /** From this call on a signal asks the executor to stop; before it, there is nothing to clean up, and a signal just ends
   *  the process. */
  readonly abortOnSignals: () => AbortSignal;
}

const JOB_ID = 'dry-run';

/** Returns the exit code: 0 if the executor returned a result that the cloud would accept. */
export async function runCircuit(file: string, run: CircuitRun): Promise<number> {
  const source = await readCircuitText(file, process.stdin);
  const secrets: string[] = [];
  const { env } = process;
  const load = (readState: boolean): Promise<LoadedConfig> =>
    runConfig({
      env,
      cwd: process.cwd(),
      configPath: run.configPath,
      readState,
      log: { mask: (secret) => secrets.push(secret) },
    });
  // The last bundle names the device. A dry run does not need it, so broken credentials do not matter.
  const config = await load(true).catch(() => load(false));
  const log = createLogger({ level: config.settings.logLevel, ...logOutput() });
  for (const secret of secrets) log.mask(secret);
  for (const warning of config.warnings) log.warn(warning);
  const read = await readFor(source, run, config.settings.nativeGateSet);
  for (const warning of read.warnings) log.warn(warning);
  const running = run.ownExecutor ? undefined : await findRunningNode(config.settings.stateDir);
  if (running !== undefined) {
    const translation = translationText(source, read);
    if (translation !== undefined && !run.json) run.out.write(translation);
    const { outcome, executor } = await runThroughNode(running, {
      name: source.name,
      circuit: read.circuit,
      run: { shots: run.shots, signal: run.abortOnSignals() },
      log,
    });
    show(outcome, executor, run, read.gates);
    return outcome.status === 'completed' ? 0 : 1;
  }
  const signal = run.abortOnSignals();
  const node = composeNode({ config, env, log });
  try {
    // A driver may take its time until it has found its device.
    const loaded = await Promise.race([node.loadExecutor(), aborted(signal)]);
    if (source.format === 'qasm') {
      checkEdges(source.name, read.circuit, {
        edges: connectivityOf(loaded.executor) ?? [],
        isDirected: (loaded.executor.device?.directedEdges?.length ?? 0) > 0,
      });
    }
    const translation = translationText(source, read);
    if (translation !== undefined && !run.json) run.out.write(translation);
    const outcome = await outcomeOf(loaded, read.circuit, { shots: run.shots, signal }, log);
    show(outcome, loaded.source, run, read.gates);
    return outcome.status === 'completed' ? 0 : 1;
  } finally {
    await node.close();
  }
}

function readFor(
  source: CircuitText,
  { target, compile }: CircuitRun,
  nativeGateSet: string,
): Promise<CircuitFile> {
  const isNeeded = source.format === 'qasm' && target === undefined;
  return parseCircuit(source, { target: isNeeded ? targetOf(nativeGateSet) : target, compile });
}

async function outcomeOf(
  { executor, source }: LoadedExecutor,
  ir: NativeGateIR,
  { shots, signal }: { readonly shots: number; readonly signal: AbortSignal },
  log: Logger,
): Promise<Outcome> {
  const abort = new AbortController();
  signal.addEventListener('abort', () => {
    abort.abort(stopped());
    const failed = (thrown: unknown): void => log.warn(`cancelCurrentJob failed: ${messageOf(thrown)}`);
    void (async () => executor.cancelCurrentJob?.())().catch(failed);
  });
  try {
    const result: unknown = await executor.run(ir, shots, { jobId: JOB_ID, signal: abort.signal, log });
    return {
      status: 'completed',
      ...checkResult(result, ir.measurements.length, new OddResults(log, source), JOB_ID),
    };
  } catch (thrown) {
    log.debug(inspect(thrown));
    return { status: 'failed', error: attributedMessageOf(thrown) };
  }
}

/** Rejects once the signal is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(stopped())));
}

function stopped(): ExecutorError {
  return new ExecutorError('stopped by the operator');
}

function show(
  outcome: Outcome,
  source: string,
  { json, out }: CircuitRun,
  gates: CircuitFile['gates'],
): void {
  if (json) {
    out.json({ executor: source, ...(gates && { gates }), ...webhookBody(JOB_ID, outcome) }, 2);
  } else if (outcome.status === 'failed') {
    out.error(`${paint(out, 'red', '✗ failed')} on ${source}: ${outcome.error}`);
  } else {
    out.write(`${source}: ${outcome.shotsCompleted} shots, ${outcome.executionTimeMs.toFixed(1)} ms`);
    for (const line of histogram(outcome.counts, out)) out.write(`    ${line}`);
  }
}
