// The list of the night shift agrees with itself and with the page that shows it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { FAULTS } from './faults/index.ts';
import { SHORT } from './short.ts';
import { namesIn, OPERATING } from './table.ts';

const NAMES = FAULTS.map(({ name }) => name);

describe('the faults of the night shift', () => {
  it('are at least forty, each with a name of its own', () => {
    assert.ok(NAMES.length >= 40);
    assert.deepEqual([...new Set(NAMES)], NAMES);
  });

  it('are named somewhere, or jobs continue', () => {
    const silent = FAULTS.filter(({ where, after = [] }) => where.length + after.length === 0);
    for (const { name, flows } of silent)
      assert.equal(flows, true, `${name}: no place names it, so jobs must continue`);
  });

  it('are in the short form only if they are there at all', () => {
    assert.ok(SHORT.length >= 12);
    assert.deepEqual(
      SHORT.filter((name) => !NAMES.includes(name)),
      [],
    );
  });

  it('are those of the table in the documents, in its order', () => {
    const page = readFileSync(OPERATING, 'utf8');
    assert.deepEqual(namesIn(page), NAMES, `${OPERATING} is out of date: see night-shift/write-docs.ts`);
  });
});
