// The figures in docs/scaling.md are those of the last run.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import type { Measurement } from '../../bench/scaling/measurement.ts';
import { tables } from '../../bench/scaling/table.ts';

it('docs/scaling.md shows the figures of bench/scaling/results.json, and where they were taken', () => {
  const { figures, machine } = JSON.parse(readFileSync('bench/scaling/results.json', 'utf8')) as Measurement;
  const text = readFileSync('docs/scaling.md', 'utf8');
  assert.equal(figures.length, 18);
  for (const table of tables(figures).split('\n\n')) {
    assert.ok(text.includes(table.trim()), `docs/scaling.md is out of date; it has to show:\n${table}`);
  }
  const { cores, node, redis } = machine;
  assert.ok(text.includes(`${cores} cores, Node ${node}, Redis ${redis}`));
});
