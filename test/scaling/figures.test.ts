// The figures in docs/scaling.md are those of the last run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { withTables, type Results } from '../../bench/scaling/table.ts';

const results = JSON.parse(readFileSync('bench/scaling/results.json', 'utf8')) as Results;
const page = readFileSync('docs/scaling.md', 'utf8');

it('docs/scaling.md shows the figures of bench/scaling/results.json, and where they were taken', () => {
  assert.equal(results.concurrency.figures.length, 18);
  assert.equal(page, withTables(page, results), 'docs/scaling.md is out of date');
});

it(
  'the figures of one server and of clusters are whole',
  {
    skip: results.shards
      ? false
      : 'they have not been taken on a quiet machine yet: npm run bench:scaling -- shards',
  },
  () => {
    const cells = (results.shards?.figures ?? []).map(({ nodes, shards }) => `${nodes} on ${shards}`);
    const expected = [0, 1, 3].flatMap((shards) => [1, 2, 5, 20].map((nodes) => `${nodes} on ${shards}`));
    assert.deepEqual(cells, expected);
  },
);
