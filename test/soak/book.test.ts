// The soak notices a job that is lost, that ran twice, or that has a wrong or a second outcome.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Book } from './book.ts';
import { soakJobId } from './node/job-id.ts';

const folder = mkdtempSync(join(tmpdir(), 'coda-soak-'));
after(() => rmSync(folder, { recursive: true }));

/** A book with two jobs; the first may be cancelled. */
function bookWith(runs: readonly number[], calmMs = Infinity): Book {
  const book = new Book(join(folder, 'runs'), 10, () => calmMs);
  for (const [number, ending] of (['either', 'completed'] as const).entries())
    book.add({ number, jobId: soakJobId(number), fields: [], ending, isMeasured: true });
  // As the executor writes it: how many runs, and when the last one began.
  writeFileSync(join(folder, 'runs'), new Float64Array(runs.flatMap((count) => [count, 0])));
  return book;
}

function breaches(book: Book): readonly string[] {
  book.check();
  book.close();
  return book.broken;
}

describe('the book of the soak', () => {
  it('finds nothing wrong with one run and one outcome each', () => {
    const book = bookWith([1, 1]);
    for (const number of [0, 1]) assert.ok(book.deliver(number, 'completed', `counts of ${number}`));
    assert.equal(book.takeWaits().toDelivery.length, 2);
    assert.deepEqual(breaches(book), []);
  });

  it('allows that an outcome comes again after a fault, and measures no waits there', () => {
    const book = bookWith([1, 1], 1_000);
    for (const number of [0, 1, 1]) assert.ok(book.deliver(number, 'completed', `counts of ${number}`));
    assert.equal(book.takeWaits().toDelivery.length, 0);
    assert.equal(book.repeats, 1);
    assert.deepEqual(breaches(book), []);
  });

  it('takes a job as ended that is cancelled', () => {
    const book = bookWith([1, 1]);
    book.cancelled(0);
    assert.ok(book.deliver(1, 'completed', 'counts'));
    assert.deepEqual(breaches(book), []);
  });

  it('allows the run that a kill has cut off, but no run of what was saved', () => {
    const book = bookWith([1, 1]);
    book.noteKill(new Set([soakJobId(1)]));
    for (const number of [0, 1]) book.deliver(number, 'completed', 'counts');
    writeFileSync(join(folder, 'runs'), new Float64Array([2, 0, 2, 0]));
    assert.deepEqual(breaches(book), ['job 1 ran 2 times']);
  });

  for (const [what, act, says] of [
    ['a lost job', () => {}, ['soak-1~0 has no outcome']],
    [
      'two outcomes',
      (book: Book) => ['a', 'b'].map((body) => book.deliver(1, 'completed', body)),
      ['job 1 has two outcomes'],
    ],
    [
      'an outcome that comes again without a fault',
      (book: Book) => ['a', 'a'].map((body) => book.deliver(1, 'completed', body)),
      ['the outcome of job 1 came again, and nothing had failed for 30 s'],
    ],
    [
      'a wrong outcome',
      (book: Book) => book.deliver(1, 'failed', 'a'),
      ['soak-1~0 is failed, not completed: a'],
    ],
    [
      'an outcome of a cancelled job',
      (book: Book) => [
        book.deliver(1, 'completed', 'a'),
        book.cancelled(0),
        book.deliver(0, 'completed', 'b'),
      ],
      ['job 0 has two outcomes, one of them cancelled'],
    ],
    [
      'an outcome of no job',
      (book: Book) => [book.deliver(1, 'completed', 'a'), book.deliver(7, 'completed', 'a')],
      ['an outcome of job 7, which was not submitted'],
    ],
  ] as const) {
    it(`finds ${what}`, () => {
      const book = bookWith([1, 1]);
      act(book);
      book.cancelled(0);
      assert.deepEqual(breaches(book), says);
    });
  }
});
