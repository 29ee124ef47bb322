// `POST /local/run`: runs a circuit of the operator on the node's device, and answers with a line of JSON for each step.
// Whoever hangs up stops the run.
import type { Context } from 'koa';
import { messageOf, parseIr, type CodaNode } from '../../src/index.ts';
import { asLines, isRecord, printable, whyNoRun, type LocalRunStep } from '../../src/kit.ts';

const MOST_NAME = 200;
/** A circuit of the cloud may be as large. */
const BYTES_PER_MB = 1024 * 1024;
/** So that a proxy or a sleeping laptop is noticed. */
const BEAT_MS = 5_000;

interface Asked {
  readonly ir: string;
  readonly shots: number;
  readonly name: string;
}

export async function answerLocalRun(ctx: Context, node: CodaNode): Promise<void> {
  const why = whyNoRun(node.phase);
  if (why !== undefined) return refuse(ctx, 409, why.text, why.remedy);
  const asked = await readAsked(ctx, node.settings.maxMessageMb * BYTES_PER_MB);
  if (typeof asked === 'string') return refuse(ctx, 400, asked);
  const stop = new AbortController();
  const { res } = ctx;
  ctx.respond = false;
  res.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  const tell = (step: LocalRunStep): void => {
    if (!res.writableEnded) res.write(`${asLines(node.log.masked(JSON.stringify(step)))}\n`);
  };
  res.on('close', () => stop.abort(new Error('the command that asked for it has ended')));
  const beat = setInterval(() => tell({ step: 'beat' }), BEAT_MS);
  tell({ step: 'waiting', behind: node.jobs.current });
  try {
    const { jobId, outcome, where } = await node.jobs.runLocal(parseIr(asked.ir), {
      shots: asked.shots,
      name: asked.name,
      signal: stop.signal,
      onStart: (id) => tell({ step: 'running', jobId: id }),
    });
    tell({ step: 'ended', jobId, executor: node.executorSource, outcome, where });
  } catch (thrown) {
    tell({ step: 'refused', error: messageOf(thrown) });
  } finally {
    clearInterval(beat);
    res.end();
  }
}

async function readAsked(ctx: Context, mostBytes: number): Promise<Asked | string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) return `the circuit takes more than ${mostBytes} bytes (CODA_MAX_MESSAGE_MB)`;
    chunks.push(chunk);
  }
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return 'the body is not JSON';
  }
  if (!isRecord(body)) return 'the body is not an object';
  const { ir, shots, name } = body;
  if (typeof ir !== 'string') return 'ir has to be a circuit as text';
  if (typeof shots !== 'number') return 'shots has to be a number';
  return { ir, shots, name: typeof name === 'string' ? printable(name, MOST_NAME) : 'a circuit' };
}

function refuse(ctx: Context, status: number, error: string, remedy?: string): void {
  ctx.status = status;
  ctx.body = { error, remedy };
}
