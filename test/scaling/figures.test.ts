// The figures in docs/scaling.md are those of the last run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import type { Results } from '../../bench/scaling/measurement.ts';
import { shardTable, tables } from '../../bench/scaling/table.ts';

const { concurrency, shards } = JSON.parse(readFileSync('bench/scaling/results.json', 'utf8')) as Results;
const text = readFileSync('docs/scaling.md', 'utf8');

function has(table: string): void {
  assert.ok(text.includes(table.trim()), `docs/scaling.md is out of date; it has to show:\n${table}`);
}

it('docs/scaling.md shows the figures of bench/scaling/results.json, and where they were taken', () => {
  const { figures, machine } = concurrency;
  assert.equal(figures.length, 18);
  for (const table of tables(figures).split('\n\n')) has(table);
  const { cores, node, redis } = machine;
  assert.ok(text.includes(`${cores} cores, Node ${node}, Redis ${redis}`));
});

it(
  'docs/scaling.md shows the figures of one server and of clusters',
  {
    skip: shards ? false : 'they have not been taken on a quiet machine yet: npm run bench:scaling -- shards',
  },
  () => {
    assert.ok(shards);
    assert.equal(shards.figures.length, 12);
    has(shardTable(shards.figures));
    const { loadBefore = NaN } = shards.machine;
    assert.ok(text.includes(`load of ${loadBefore.toFixed(1)}`));
  },
);
