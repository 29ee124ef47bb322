// Long work takes turns: in order, one at a time, and with room for everything else in between.
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { Turns } from '../../src/jobs/turns.ts';

const LONG_MS = 12;

function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

test('what is asked for together is done in order, and what it returns comes back', async () => {
  const turns = new Turns();
  const order: number[] = [];
  const answers = [1, 2, 3].map((n) => turns.take(() => order.push(n)));
  assert.deepEqual(await Promise.all(answers), [1, 2, 3]);
  assert.deepEqual(order, [1, 2, 3]);
});

test('between two long pieces the event loop goes round, whoever asked for them', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const pieces = ['a', 'b'].map((name) =>
    turns.take(() => {
      work(LONG_MS);
      order.push(name);
    }),
  );
  await pieces[0];
  await turn();
  order.push('other');
  await pieces[1];
  assert.deepEqual(order, ['a', 'other', 'b']);
});
