// What the page answers while the node starts, drains and closes: what is asked for, or why not and what to do; never a 500.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ActionAnswer, Refusal } from '../../../plugins/page/api.ts';
import { definePlugin, type CodaNode } from '../../../src/index.ts';
import { healthAddress } from '../../../src/kit.ts';
import { readDoorToken } from '../../../src/state/door-token.ts';
import { bell, startTestNode, waitUntil } from '../../../src/testing/index.ts';
import { cloud } from '../../support/cloud.ts';
import { HeldExecutor } from '../../support/executors.ts';

const { ir } = bell('cz');
const DATA = ['state', 'timeline', 'jobs', 'jobs/none', 'trend', 'device', 'results'];

interface Answer {
  readonly status: number;
  readonly body: Partial<ActionAnswer & Refusal>;
}

async function act(node: CodaNode, name: string, body: object): Promise<Answer> {
  const { host, port } = node.services.require(healthAddress)()();
  const answer = await fetch(`http://${host}:${port}/page/actions/${name}`, {
    method: 'POST',
    headers: {
      connection: 'close',
      'content-type': 'application/json',
      authorization: `Bearer ${readDoorToken(node.settings.stateDir)}`,
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
}

const run = (node: CodaNode): Promise<Answer> =>
  act(node, 'run', { circuit: JSON.stringify(ir), shots: 4, name: 'bell.json' });

/** Asks for all that the page has, and compares what the actions answer. */
async function askAll(
  node: CodaNode,
  expected: Readonly<Record<string, readonly [number, RegExp]>>,
): Promise<void> {
  const { host, port } = node.services.require(healthAddress)()();
  for (const name of DATA) {
    const answer = await fetch(`http://${host}:${port}/page/${name}`, { headers: { connection: 'close' } });
    assert.equal(
      answer.status,
      name === 'jobs/none' ? 404 : 200,
      `${node.phase}: ${name} ${await answer.text()}`,
    );
  }
  const asked = {
    pause: () => act(node, 'pause', { reason: 'a test' }),
    resume: () => act(node, 'resume', {}),
    cancel: () => act(node, 'cancel', { jobId: 'none' }),
    replay: () => act(node, 'replay', { jobId: 'none' }),
    'drop refused': () => act(node, 'drop', { jobId: 'none', which: 'refused' }),
    'drop waiting': () => act(node, 'drop', { jobId: 'none', which: 'waiting' }),
    run: () => run(node),
  };
  for (const [name, ask] of Object.entries(asked)) {
    const { status, body } = await ask();
    const [wanted, text] = expected[name] ?? [409, /^no result of job none /];
    assert.equal(status, wanted, `${node.phase}: ${name} ${JSON.stringify(body)}`);
    assert.match(body.text ?? `${body.error} → ${body.remedy}`, text, `${node.phase}: ${name}`);
  }
}

describe('the page of a node that is not running', () => {
  it('answers while it starts, also before it is connected', async () => {
    const starting = [409, /^the node is still starting → Try again once it is ready: coda status/] as const;
    const expected = {
      pause: [200, /takes no job after its start/],
      resume: [200, /once it has started/],
      cancel: starting,
      'drop waiting': starting,
      run: starting,
    } as const;
    const asked: string[] = [];
    const plugin = definePlugin({
      name: 'asks',
      apply(node) {
        node.hooks.boot.tapPromise({ name: 'asks', stage: 1_000 }, async () => {
          await waitUntil('the token', () => readDoorToken(node.settings.stateDir) !== undefined);
          await askAll(node, expected);
          asked.push('boot');
        });
        node.hooks.start.tapPromise({ name: 'asks', stage: 1_000 }, async () => {
          await askAll(node, expected);
          asked.push('start');
        });
      },
    });
    await (await startTestNode({ cloud, plugins: [plugin] })).stop();
    assert.deepEqual(asked, ['boot', 'start']);
  });

  it('answers while it drains and closes, and to a run that waited when the drain began', async () => {
    const executor = new HeldExecutor();
    const draining = [
      409,
      /^the node is shutting down and starts no run any more → Run it again once/,
    ] as const;
    const common = { cancel: [409, /^job none cannot be cancelled/], run: draining } as const;
    let closed: Promise<void> | undefined;
    const plugin = definePlugin({
      name: 'asks',
      apply(node) {
        node.hooks.start.tap('asks', () =>
          node.onClose('asks', () => {
            closed = askAll(node, {
              ...common,
              pause: [200, /takes no job after its start/],
              resume: [200, /once it has started/],
            });
            return closed;
          }),
        );
      },
    });
    const test = await startTestNode({ cloud, executor, plugins: [plugin] });
    const { node } = test;
    const job = await cloud.submit({ ir, shots: 4 });
    await waitUntil('the run', () => executor.started.length === 1);
    const waiting = run(node);
    await waitUntil('the wait for the device', () => !node.jobs.admission.isOpen);
    const drained = node.drain();
    const { status, body } = await waiting;
    assert.equal(status, 409, JSON.stringify(body));
    assert.match(`${body.error} → ${body.remedy}`, draining[1]);
    await askAll(node, {
      ...common,
      pause: [200, /^Paused: no new job is taken/],
      resume: [200, /^Resumed/],
    });
    executor.release(job);
    await drained;
    await test.stop();
    await closed;
    assert.equal((await cloud.outcome(job)).status, 'completed');
  });

  it('answers while it closes after a start that has failed', async () => {
    let closed: Promise<void> | undefined;
    const stopped = [409, /^the node has stopped/] as const;
    const plugin = definePlugin({
      name: 'asks',
      apply(node) {
        node.hooks.boot.tapPromise({ name: 'asks', stage: 1_000 }, async () => {
          // The door writes it meanwhile.
          await waitUntil('the token', () => readDoorToken(node.settings.stateDir) !== undefined);
          node.onClose('asks', () => {
            closed = askAll(node, {
              pause: [200, /takes no job after its start/],
              resume: [200, /once it has started/],
              cancel: stopped,
              'drop waiting': stopped,
              run: [409, /^the node is shutting down/],
            });
            return closed;
          });
          throw new Error('no start today');
        });
      },
    });
    await assert.rejects(startTestNode({ cloud, plugins: [plugin] }), /no start today/);
    assert.ok(closed);
    await closed;
  });
});
