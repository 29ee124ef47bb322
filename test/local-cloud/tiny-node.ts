// A minimal node: connects, sends one heartbeat, and runs jobs one by one on the simulator.
// For tests of the local cloud, which must not depend on the real node.
import { Redis } from 'ioredis';
import { createSimulator } from '../../plugins/simulator/executor.ts';
import { silentLogger } from '../../src/log.ts';
import { parseIr } from '../../src/protocol/ir.ts';
import { createSigner, type TokenSigner } from '../../src/protocol/jwt.ts';
import { cancelKey, groupName, statusKey, streamKey } from '../../src/protocol/keys.ts';
import type { ExecutionResult } from '../../src/device/executor.ts';
import { webhookBody } from '../../src/protocol/webhook.ts';

export interface TinyNode {
  readonly signer: TokenSigner;
  /** POSTs as the node does, with a JWT. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export interface TinyOptions {
  readonly url: string;
  readonly token: string;
  /** Changes results before they are reported. */
  readonly distort?: (result: ExecutionResult) => ExecutionResult;
  /** Every run waits until it resolves. */
  readonly gate?: () => Promise<void>;
  /** Of its device; in its heartbeat. Default: none. */
  readonly connectivity?: readonly (readonly [number, number])[];
  /** False: takes no jobs. */
  readonly takesJobs?: boolean;
}

export const FINGERPRINT = 'tiny-0001';
const BEAT = { current_job: null, last_job_at: null, redis_healthy: true, connectivity: null };

/** POSTs JSON and returns the answer. */
export function postJson(url: string, body: unknown, headers: Record<string, string>): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
    redirect: 'manual',
  });
}

export async function startTinyNode(options: TinyOptions): Promise<TinyNode> {
  const { url, token, connectivity = null, takesJobs = true } = options;
  const answer = await postJson(
    `${url}/api/internal/qpu/connect`,
    { machine_fingerprint: FINGERPRINT },
    { authorization: `Bearer ${token}` },
  );
  const bundle = (await answer.json()) as Record<string, string>;
  const qpuId = String(bundle['qpu_id']);
  const signer = await createSigner({
    qpuId,
    keyId: String(bundle['jwt_key_id']),
    privateKeyPem: String(bundle['jwt_private_key']),
  });
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    postJson(path.startsWith('/') ? url + path : path, body, {
      authorization: `Bearer ${await signer.token()}`,
      ...headers,
    });
  await post('/api/internal/qpu/heartbeat', { ...BEAT, connectivity });

  const commands = new Redis(String(bundle['redis_url']), { protocol: 2 });
  const reader = commands.duplicate();
  for (const redis of [commands, reader]) redis.on('error', () => {});
  let isClosing = false;

  const runJob = async (messageId: string, fields: Map<string, string>): Promise<void> => {
    const jobId = fields.get('job_id') ?? '';
    if ((await commands.exists(cancelKey(jobId))) === 1) {
      await commands.hset(statusKey(jobId), { state: 'cancelled' });
    } else {
      await commands.hset(statusKey(jobId), { state: 'executing' });
      await options.gate?.();
      const outcome = await run(fields).catch((error: Error) => ({
        status: 'failed' as const,
        error: error.message,
      }));
      await commands.hset(statusKey(jobId), { state: outcome.status });
      await post(fields.get('callback_url') ?? '', webhookBody(jobId, outcome));
    }
    await commands.xack(streamKey(qpuId), groupName(qpuId), messageId);
  };
  const simulator = createSimulator({ seed: 3 });
  const run = async (fields: Map<string, string>) => {
    const context = { jobId: '', signal: new AbortController().signal, log: silentLogger };
    const shots = Number(fields.get('shots'));
    const result = await simulator.run(parseIr(fields.get('ir_json')), shots, context);
    return { status: 'completed' as const, ...(options.distort?.(result) ?? result) };
  };
  const work = async (): Promise<void> => {
    await commands.xgroup('CREATE', streamKey(qpuId), groupName(qpuId), '0', 'MKSTREAM');
    while (!isClosing) {
      const streams = (await reader.xreadgroup(
        'GROUP',
        groupName(qpuId),
        'tiny',
        'COUNT',
        1,
        'BLOCK',
        100,
        'STREAMS',
        streamKey(qpuId),
        '>',
      )) as [string, [string, string[]][]][] | null;
      for (const [messageId, flat] of streams?.[0]?.[1] ?? []) {
        const pairs = flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? ''] as const] : []));
        await runJob(messageId, new Map(pairs));
      }
    }
  };
  const done = takesJobs ? work() : Promise.resolve();
  return {
    signer,
    post,
    async close() {
      isClosing = true;
      await done;
      for (const redis of [commands, reader]) redis.disconnect();
    },
  };
}
