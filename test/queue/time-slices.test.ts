// Long work takes turns: in order, one at a time, and with room for everything else in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeSlices } from '../../src/queue/time-slices.ts';

const LONG_MS = 12;

function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

test('steps run in order, also of several pieces of work at once, and their results come back', async () => {
  const turns = new TimeSlices();
  const order: string[] = [];
  function* steps(name: string): Generator<undefined, string> {
    order.push(`${name}1`);
    yield;
    order.push(`${name}2`);
    return name;
  }
  assert.deepEqual(await Promise.all(['a', 'b'].map((name) => turns.run(steps(name)))), ['a', 'b']);
  assert.deepEqual(order, ['a1', 'b1', 'a2', 'b2']);
});

test('steps that fail do not harm other work', async () => {
  const turns = new TimeSlices();
  function* failing(): Generator<undefined, never> {
    yield;
    throw new Error('broken');
  }
  const failed = assert.rejects(turns.run(failing()), /^Error: broken$/);
  assert.equal(await turns.run([].values()), undefined);
  await failed;
  assert.equal(await turns.run([].values()), undefined);
});

test('between two long steps the event loop gets its turn, also if they are of different work', async () => {
  for (const lengths of [[2], [1, 1]]) {
    const turns = new TimeSlices();
    const order: string[] = [];
    function* steps(count: number): Generator<undefined, void> {
      for (let i = 0; i < count; i++) {
        setImmediate(() => order.push('other'));
        work(LONG_MS);
        order.push('long');
        yield;
      }
    }
    await Promise.all(lengths.map((count) => turns.run(steps(count))));
    assert.deepEqual(order.slice(0, 3), ['long', 'other', 'long']);
  }
});
