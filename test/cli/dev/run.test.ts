// A whole dev session: redis-server, local cloud, a node that speaks the contract, and jobs through all three.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { findSession } from '../../../src/cli/dev/rendezvous.ts';
import { runDev, type DevOptions, type DevTerms } from '../../../src/cli/dev/run.ts';
import { cancelJob, submitCircuit } from '../../../src/cli/submit/submit.ts';
import { bell, startRedisServer, waitUntil } from '../../../src/testing/index.ts';
import { startTinyNode, type TinyOptions } from '../../local-cloud/tiny-node.ts';
import { memoryOutput, type MemoryOutput } from '../terminal/memory-output.ts';

const folder = mkdtempSync(join(tmpdir(), 'coda-dev-test-'));
after(() => rmSync(folder, { recursive: true }));
const bellFile = join(folder, 'bell.json');
writeFileSync(bellFile, JSON.stringify(bell('cz').ir));

let sessions = 0;
/** Environments of their own, so that sessions of other tests are not found. */
function newEnv(): NodeJS.ProcessEnv {
  return { XDG_RUNTIME_DIR: mkdtempSync(join(folder, `session-${++sessions}-`)) };
}

type Start = DevOptions['startNode'];
const tinyNode =
  (options: Partial<TinyOptions> = {}, isExact = true): Start =>
  async ({ url, token }) => ({
    description: 'tiny node',
    isExact,
    close: (await startTinyNode({ url, token, ...options })).close,
  });

function once(
  startNode: Start,
  more: Partial<DevOptions> = {},
): { out: MemoryOutput; code: Promise<number> } {
  const out = memoryOutput();
  const { signal } = new AbortController();
  const code = runDev({ once: true, out, startNode, signal, env: newEnv(), ...more });
  return { out, code };
}

test('once: four samples with the right physics, exit code 0, nothing left behind', async () => {
  let terms: DevTerms | undefined;
  const { out, code } = once(async (given) => {
    terms = given;
    assert.equal(statSync(given.stateDir).mode & 0o777, 0o700);
    return tinyNode()(given);
  });
  assert.equal(await code, 0, out.text());
  const text = out.text();
  assert.match(text, /^redis {2}redis:\/\/:\*\*\*@127/);
  assert.match(text, /\ncloud {2}http:\/\/127.0.0.1:\d+\nnode {3}tiny node\n/);
  assert.match(text, /bell-\w+ {2}Bell pair {2}1000 shots, [\d.]+ ms\n {4}(00|11) {2}█+/);
  assert.equal(text.match(/^ {2}✓ /gm)?.length, 4);
  assert.match(text, /\n4 of 4 sample jobs completed with the right physics$/);
  assert.deepEqual(out.errors, []);
  assert.equal(existsSync(terms?.stateDir ?? folder), false);
  await assert.rejects(fetch(terms?.url ?? ''));
});

for (const target of ['iswap', 'pcz', 'cnot'] as const) {
  test(`once: samples for ${target}`, async () => {
    assert.equal(await once(tinyNode(), { target, shots: 300 }).code, 0);
  });
}

test('once: wrong physics is exit code 1, unless the device may be noisy', async () => {
  const noise: Partial<TinyOptions> = {
    distort: (result) => {
      const width = Object.keys(result.counts)[0]?.length ?? 1;
      return { ...result, counts: { ['01'.padEnd(width, '0')]: 1000 } };
    },
  };
  const judged = once(tinyNode(noise));
  assert.equal(await judged.code, 1);
  assert.match(judged.out.text(), /✗ wrong physics: 01 was measured 1000 times/);
  assert.match(judged.out.text(), /1 of 4 sample jobs completed with the right physics$/);
  const hardware = once(tinyNode(noise, false));
  assert.equal(await hardware.code, 0);
  assert.match(hardware.out.text(), /– not ideal: 01 was measured 1000 times/);
  assert.match(hardware.out.text(), /4 of 4 sample jobs completed$/);
});

test('once: a breach of the contract is shown and is exit code 1', async () => {
  const { out, code } = once(tinyNode({ distort: (result) => ({ ...result, executionTimeMs: -1 }) }), {
    timeoutMs: 1500,
  });
  assert.equal(await code, 1);
  assert.match(out.errors.join('\n'), /contract violation: webhook: execution_time_ms must be/);
  assert.match(out.errors.join('\n'), /not done in time/);
});

test('once: failed jobs say why', async () => {
  const { out, code } = once(tinyNode(), { shots: 2_000_000_000 });
  assert.equal(await code, 1);
  assert.match(out.text(), /✗ failed: the simulator cannot take 2000000000 shots/);
});

test('once: ends when the node stops by itself, and at the signal', async () => {
  const idle = { description: 'idle', isExact: true, close: async () => {} };
  const { out, code } = once(async () => ({ ...idle, ended: Promise.reject(new Error('no more')) }));
  assert.equal(await code, 1);
  assert.match(out.errors.join(), /the node has stopped by itself: no more/);

  const abort = new AbortController();
  const aborted = once(
    async () => {
      abort.abort();
      return idle;
    },
    { signal: abort.signal },
  );
  assert.equal(await aborted.code, 1);
});

test('a node that does not start ends the session with its error', async () => {
  let url = '';
  const { code } = once(async (terms) => {
    url = terms.url;
    throw new Error('no executor');
  });
  await assert.rejects(code, /no executor/);
  await assert.rejects(fetch(url));
});

test('a Redis that is not ours is left as it was', async () => {
  const server = await startRedisServer();
  const redis = new Redis(server.url, { protocol: 2 });
  try {
    assert.equal(await once(tinyNode(), { redisUrl: server.url }).code, 0);
    assert.deepEqual(await redis.keys('*'), []);
  } finally {
    redis.disconnect();
    await server.stop();
  }
});

interface Session {
  readonly env: NodeJS.ProcessEnv;
  readonly out: MemoryOutput;
  readonly abort: AbortController;
  readonly code: Promise<number>;
}

/** A session that stays up; `use` runs once it says that it is ready. */
async function withSession(
  use: (session: Session) => Promise<void>,
  startNode = tinyNode(),
  more: Partial<DevOptions> = {},
): Promise<Session> {
  const env = newEnv();
  const abort = new AbortController();
  const { out, code } = once(startNode, { once: false, env, signal: abort.signal, ...more });
  const session = { env, out, abort, code };
  try {
    await waitUntil('the session', () => /Ctrl-C/.test(out.text()));
    await use(session);
  } finally {
    abort.abort();
    await code;
  }
  return session;
}

test('stays up, takes submitted circuits, shows them on both sides, ends at the signal', async () => {
  const { env, code } = await withSession(async (session) => {
    const [, file = ''] = /coda submit (\S+) --shots/.exec(session.out.text()) ?? [];
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')).num_qubits, 2);

    const out = memoryOutput();
    assert.equal(await submitCircuit(file, { out, env: session.env, shots: 200, wait: true }), 0);
    assert.match(out.text(), /^submitted job-\w+, waiting for its end\njob-\w+ {2}200 shots/);
    assert.match(out.text(), /█/);
    await waitUntil('the job on the other side', () => /\njob-\w+ {2}200 shots/.test(session.out.text()));

    const json = memoryOutput();
    assert.equal(await submitCircuit(bellFile, { out: json, env: session.env, wait: true, json: true }), 0);
    assert.equal(json.lines.length, 1);
    const body = JSON.parse(json.lines[0] ?? '');
    assert.deepEqual([body.status, body.shots_completed], ['completed', 1000]);

    const piped = memoryOutput();
    const stdin = (async function* () {
      yield Buffer.from(readFileSync(bellFile));
    })();
    assert.equal(await submitCircuit('-', { out: piped, env: session.env, stdin, json: true }), 0);
    assert.match(JSON.parse(piped.lines[0] ?? '').job_id, /^job-/);
  });
  assert.equal(await code, 0);
  assert.equal(findSession(env), undefined);
});

test('says the command that works in another terminal, also if a package manager has found this program', async () => {
  const says = [
    [undefined, '; from another terminal:\n  coda submit /'],
    [
      'npm/10.8.2 node/v20.20.2 linux x64 workspaces/false',
      ' terminal, in this folder:\n  npx coda submit /',
    ],
    ['pnpm/10.1.0 npm/? node/v20.20.2 linux x64', ' terminal, in this folder:\n  pnpm exec coda submit /'],
    ['yarn/1.22.22 npm/? node/v20.20.2 linux x64', ' terminal, in this folder:\n  yarn coda submit /'],
    ['bun/1.2.0 npm/? node/v22.6.0 linux x64', ' terminal, in this folder:\n  bunx coda submit /'],
    ['other/1', '; from another terminal:\n  coda submit /'],
  ] as const;
  await Promise.all(
    says.map(async ([agent, text]) => {
      const env = { ...newEnv(), ...(agent !== undefined && { npm_config_user_agent: agent }) };
      const { out } = await withSession(async () => undefined, tinyNode(), { env });
      assert.ok(out.text().includes(text), out.text());
    }),
  );
});

test('takes OpenQASM, for the gates and the edges of the session', async () => {
  const program = join(folder, 'bell.qasm');
  writeFileSync(
    program,
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[2] c;\nh q[0];\ncx q[0], q[2];\nc[0] = measure q[0];\nc[1] = measure q[2];\n',
  );
  const use = async ({ env }: Session): Promise<void> => {
    const out = memoryOutput();
    assert.equal(await submitCircuit(program, { out, env, wait: true }), 0);
    assert.match(out.text(), /^\S+bell\.qasm: 2 gates became \d+ gates of target iswap\nsubmitted job-/);
    const json = memoryOutput();
    assert.equal(await submitCircuit(program, { out: json, env, wait: true, json: true }), 0);
    const { counts, gates } = JSON.parse(json.text()) as { counts: object; gates: { source: number } };
    assert.deepEqual([Object.keys(counts).toSorted(), gates.source], [['00', '11'], 2]);
    await assert.rejects(submitCircuit(program, { out, env, compile: false }), {
      name: 'QasmError',
      message: /bell\.qasm:5:1: /,
    });
  };
  await withSession(use, tinyNode(), { target: 'iswap' });
  const edges = [
    [0, 1],
    [1, 2],
  ] as const;
  await withSession(
    async ({ env }) => {
      await assert.rejects(submitCircuit(program, { out: memoryOutput(), env }), {
        name: 'JobError',
        message: /needs edges that the device does not have: 0-2 \(1 gate\)\n.*\(0-1, 1-2\)/,
      });
    },
    tinyNode({ connectivity: edges }),
  );
});

test('a failed job is exit code 1 with its reason', async () => {
  await withSession(async ({ env }) => {
    const out = memoryOutput();
    assert.equal(await submitCircuit(bellFile, { out, env, wait: true, shots: 2_000_000_000 }), 1);
    assert.match(out.text(), /✗ failed: the simulator cannot take/);
  });
});

test('cancels a queued job, and reports it to the command that waits for the job', async () => {
  let open = (): void => {};
  let isGated = false;
  const gate = (): Promise<void> =>
    isGated ? new Promise<void>((resolve) => (open = resolve)) : Promise.resolve();
  await withSession(async ({ env, out: shown }) => {
    await waitUntil('the samples', () => shown.text().match(/✓/g)?.length === 4);
    isGated = true;
    const submit = async (): Promise<string> => {
      const out = memoryOutput();
      assert.equal(await submitCircuit(bellFile, { out, env, json: true }), 0);
      return JSON.parse(out.lines[0] ?? '').job_id;
    };
    await submit();
    const queued = await submit();
    const out = memoryOutput();
    const cancelled = cancelJob(queued, { out, env });
    await waitUntil('the running job', () => {
      open();
      return shown.text().includes('– cancelled');
    });
    assert.equal(await cancelled, 0);
    assert.equal(out.text(), `cancelled ${queued}`);

    isGated = false;
    const done = memoryOutput();
    assert.equal(await submitCircuit(bellFile, { out: done, env, wait: true, json: true }), 0);
    const { job_id } = JSON.parse(done.lines[0] ?? '');
    await assert.rejects(cancelJob(job_id, { out, env }), { name: 'JobError', message: /has ended already/ });
    await assert.rejects(cancelJob('no/such job', { out, env }), {
      name: 'JobError',
      message: /no job 'no\/such job' in this dev session/,
    });
  }, tinyNode({ gate }));
});

test('errors come before anything is submitted, and say what to do', async () => {
  const out = memoryOutput();
  const env = newEnv();
  await assert.rejects(submitCircuit(bellFile, { out, env }), {
    name: 'ConfigError',
    message: /no dev session is running\n.*start one with: coda dev/,
  });
  await assert.rejects(cancelJob('x', { out, env }), /no dev session is running/);
  await assert.rejects(submitCircuit(join(folder, 'none.json'), { out, env }), {
    name: 'ConfigError',
    message: /cannot be read from .*none\.json/,
  });
  const bad = join(folder, 'bad.json');
  writeFileSync(bad, JSON.stringify({ ...bell('cz').ir, num_qubits: 1 }));
  await assert.rejects(submitCircuit(bad, { out, env }), {
    name: 'JobError',
    message: /circuit in .*bad\.json is not valid: .*gates\[\d\]/,
  });
  await assert.rejects(submitCircuit(bellFile, { out, env, shots: 0 }), {
    name: 'JobError',
    message: /shots/,
  });
  assert.deepEqual([...out.lines, ...out.errors], []);
});

test('a session that is gone is not mistaken for a running one', async () => {
  const { env } = await withSession(async () => {});
  const { out } = { out: memoryOutput() };
  const server = await startRedisServer();
  writeFileSync(
    join(String(env['XDG_RUNTIME_DIR']), 'coda-dev.json'),
    JSON.stringify({ url: `http://127.0.0.1:${server.port}`, token: 'x', pid: 4242, stateDir: folder }),
    { mode: 0o600 },
  );
  // First another program uses the port, then none does.
  await assert.rejects(submitCircuit(bellFile, { out, env }), /pid 4242\) does not answer/);
  await server.stop();
  await assert.rejects(submitCircuit(bellFile, { out, env }), /pid 4242\) does not answer/);
});

test("the developer's API wants its token", async () => {
  await withSession(async ({ env }) => {
    const { url } = findSession(env) ?? { url: '' };
    for (const headers of [{}, { authorization: 'Bearer wrong' }]) {
      const answer = await fetch(`${url}/dev/jobs`, { headers });
      assert.equal(answer.status, 401);
      await answer.text();
    }
    const headers = { authorization: `Bearer ${findSession(env)?.token}` };
    const { jobs } = (await (await fetch(`${url}/dev/jobs`, { headers })).json()) as { jobs: unknown[] };
    assert.equal(jobs.length, 4);
    for (const body of ['{', '[]', '{"ir":{},"shots":1}', JSON.stringify({ ir: bell('cz').ir, shots: 0 })]) {
      const answer = await fetch(`${url}/dev/jobs`, { headers, method: 'POST', body });
      assert.ok([400, 422].includes(answer.status));
      assert.ok(((await answer.json()) as { error: string }).error.length > 0);
    }
  });
});
