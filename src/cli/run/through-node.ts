// A circuit through the node that runs here, between two of its jobs: one device, one executor.
import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { NodeError } from '../../errors.ts';
import type { HealthAddress } from '../../kernel/health-address.ts';
import { LOCAL_RUN_PATH, type LocalRunStep } from '../../kernel/door.ts';
import type { Logger } from '../../log.ts';
import type { NativeGateIR } from '../../protocol/ir.ts';
import { recordIn } from '../../protocol/text.ts';
import type { Outcome } from '../../protocol/webhook.ts';
import { readDoorToken } from '../../state/door-token.ts';
import { findNode } from '../local-node/find.ts';
import { isListener } from '../local-node/listener.ts';
import { urlOf } from '../local-node/live.ts';
import { shownText } from '../terminal/words.ts';

/** A node that can be asked to run a circuit. */
export interface RunningNode {
  readonly pid: number;
  readonly address: HealthAddress;
  readonly token: string;
}

export interface Asked {
  /** For people. */
  readonly name: string;
  readonly circuit: NativeGateIR;
  readonly run: { readonly shots: number; readonly signal: AbortSignal };
  readonly log: Logger;
}

/** How it ended. */
export interface LocalEnd {
  readonly outcome: Outcome;
  /** Where the executor comes from. */
  readonly executor: string;
}

const OWN = 'If two may use the device at a time, or the node uses another one: --own-executor.';
/** The node tells every 5 s that it is there. */
const SILENT_MS = 30_000;

/** The node of a state directory, if one runs. Throws a NodeError if it does and cannot be asked. */
export async function findRunningNode(stateDir: string): Promise<RunningNode | undefined> {
  const { node, hidden } = await findNode(stateDir);
  if (node === undefined && hidden === undefined) return undefined;
  const pid = node?.pid ?? hidden?.pids[0] ?? 0;
  const cannot = (why: string, remedy: string): NodeError =>
    new NodeError(`a node (PID ${pid}) has the device, and ${why}`, { remedy: `${remedy} ${OWN}` });
  if (node === undefined) throw cannot('it is of another user', 'Run this command as that user.');
  if (node.isOriginal) throw cannot('it is the Python original, which takes no circuit', 'Stop it first.');
  if (node.elsewhere !== undefined) {
    throw cannot(`it runs elsewhere (${shownText(node.elsewhere)})`, 'Run this command there.');
  }
  const address = node.presence?.address ?? undefined;
  if (address === undefined) {
    throw cannot(
      'it cannot be asked: it is still starting, or its health server is off',
      'Try again when coda status shows it ready.',
    );
  }
  if (!isListener({ pid }, address)) throw cannot('it does not listen any more', 'See coda status.');
  const token = readDoorToken(stateDir);
  if (token === undefined) {
    throw cannot(
      'it takes no circuit',
      'Switch its plugin door on, or restart it if it is of an older version.',
    );
  }
  return { pid, address, token };
}

/** Resolves with the outcome, and where the executor comes from. Throws a NodeError if it has not run. */
export async function runThroughNode(node: RunningNode, asked: Asked): Promise<LocalEnd> {
  asked.log.info(`${asked.name} runs on the node (PID ${node.pid}), between its jobs`);
  try {
    return await ask(node, asked);
  } catch (thrown) {
    if (!asked.run.signal.aborted) throw thrown;
    return { outcome: { status: 'failed', error: 'stopped by the operator' }, executor: 'the node' };
  }
}

async function ask(node: RunningNode, { name, circuit, run, log }: Asked): Promise<LocalEnd> {
  const body = JSON.stringify({ ir: JSON.stringify(circuit), shots: run.shots, name });
  const answer = await post(node, body, run.signal);
  if (answer.statusCode !== 200) throw await refused(answer);
  let cause: unknown;
  try {
    for await (const line of createInterface({ input: answer })) {
      const end = follow(JSON.parse(line) as LocalRunStep, log);
      if (end !== undefined) return end;
    }
  } catch (thrown) {
    if (thrown instanceof NodeError) throw thrown;
    cause = thrown;
  }
  throw new NodeError('the node has hung up before the run had ended', {
    cause,
    remedy: 'See why: coda status, coda logs.',
  });
}

/** Tells what is new, and returns the end if it is that. Throws a NodeError if the node has not run it. */
function follow(step: LocalRunStep, log: Logger): LocalEnd | undefined {
  if (step.step === 'waiting' && step.behind !== null) log.info(`waiting for job ${shownText(step.behind)}`);
  if (step.step === 'running') log.info(`it has the device, as job ${shownText(step.jobId)}`);
  if (step.step === 'refused') throw new NodeError(`the node did not run it: ${shownText(step.error)}`);
  if (step.step !== 'ended') return undefined;
  const { outcome, executor } = step;
  return {
    outcome: outcome.status === 'cancelled' ? { status: 'failed', error: 'the node stopped it' } : outcome,
    executor: shownText(executor),
  };
}

function post({ address, token }: RunningNode, body: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // node:http, not fetch: this must not go through a proxy.
    const asking = request(`${urlOf(address)}${LOCAL_RUN_PATH}`, {
      method: 'POST',
      agent: false,
      signal,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      timeout: SILENT_MS,
    });
    let answer: IncomingMessage | undefined;
    asking.on('response', (response) => resolve((answer = response)));
    asking.on('timeout', () =>
      (answer ?? asking).destroy(
        new NodeError('the node does not answer any more', { remedy: 'See its state: coda status.' }),
      ),
    );
    asking.on('error', (cause) =>
      reject(
        new NodeError(`the node cannot be asked: ${cause.message}`, { cause, remedy: 'See coda status.' }),
      ),
    );
    asking.end(body);
  });
}

async function refused(answer: IncomingMessage): Promise<NodeError> {
  let text = '';
  answer.setEncoding('utf8');
  for await (const chunk of answer) text += String(chunk);
  const { error = text, remedy } = recordIn(text) ?? {};
  return new NodeError(`the node refused it: ${shownText(error)}`, {
    remedy: typeof remedy === 'string' ? remedy : 'See coda status.',
  });
}
