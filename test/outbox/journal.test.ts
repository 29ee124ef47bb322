// Durable records survive, whatever a crash or a bad disk does to the end of the file.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '../../src/errors.ts';
import { Journal } from '../../src/outbox/journal.ts';
import { silentLogger } from '../../src/log.ts';
import { waitUntil } from '../../src/testing/index.ts';
import { readRecords } from '../support/journal.ts';
import { smallDisk, temporaryFolder } from '../support/temporary.ts';

interface Item {
  readonly id: number;
  readonly text: string;
}

interface Opened {
  readonly journal: Journal;
  readonly records: unknown[];
  readonly live: Map<number, Item>;
  readonly troubles: (string | undefined)[];
}

async function open(path: string, live = new Map<number, Item>()): Promise<Opened> {
  const troubles: (string | undefined)[] = [];
  const records: object[] = [];
  const journal = await Journal.open(path, {
    log: silentLogger,
    onRecord: (record) => records.push(record),
    snapshot: () => live.values(),
    onTrouble: (trouble) => void troubles.push(trouble?.text),
  });
  return { journal, records, live, troubles };
}

function append({ journal, live }: Opened, item: Item, durable = true): Promise<void> {
  live.set(item.id, item);
  return journal.append(item, { durable });
}

async function pathIn(t: TestContext): Promise<string> {
  return join(await temporaryFolder(t), 'journal');
}

const item = fc.record(
  { id: fc.nat(), text: fc.string({ unit: 'binary', maxLength: 40 }) },
  { noNullPrototype: true },
);

describe('the journal', () => {
  it('gives back what was appended, in order, over any number of starts', async (t) => {
    const folder = await temporaryFolder(t);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(item, { maxLength: 6 }), { maxLength: 4 }), async (starts) => {
        const path = join(folder, String((run += 1)));
        const written: Item[] = [];
        for (const items of starts) {
          const opened = await open(path);
          assert.deepEqual(opened.records, written);
          await Promise.all(items.map((one) => append(opened, one)));
          written.push(...items);
          await opened.journal.close();
        }
        const last = await open(path);
        assert.deepEqual(last.records, written);
        await last.journal.close();
      }),
      { numRuns: 100 },
    );
  });

  it('loses only the records that are cut off, wherever the cut is', async (t) => {
    const path = await pathIn(t);
    const first = await open(path);
    const ends: number[] = [first.journal.size];
    const items = Array.from({ length: 5 }, (_, id) => ({ id, text: `rësult ${id}` }));
    for (const one of items) {
      await append(first, one);
      ends.push(first.journal.size);
    }
    await first.journal.close();
    const bytes = await readFile(path);
    assert.equal(bytes.length, ends.at(-1));
    for (let length = 0; length <= bytes.length; length += 1) {
      await writeFile(path, bytes);
      await truncate(path, length);
      const opened = await open(path);
      const whole = items.filter((_, i) => (ends[i + 1] ?? Infinity) <= length);
      assert.deepEqual(opened.records, whole, `cut to ${length} bytes`);
      // The remains must not spoil the next record.
      await append(opened, { id: 99, text: 'next' });
      await opened.journal.close();
      assert.deepEqual((await readRecords(await readFile(path))).records, [
        ...whole,
        { id: 99, text: 'next' },
      ]);
    }
  });

  it('keeps every record around damage, and sets the damaged lines aside', async (t) => {
    const folder = await temporaryFolder(t);
    const path = join(folder, 'journal');
    const first = await open(path);
    const items = Array.from({ length: 8 }, (_, id) => ({ id, text: `result ${id}` }));
    const ends: number[] = [];
    for (const one of items) {
      ends.push(first.journal.size);
      await append(first, one);
    }
    const begin = ends[0] ?? 0;
    await first.journal.close();
    const bytes = await readFile(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (where, flip) => {
        const at = begin + (where % (bytes.length - begin));
        const spoilt = Buffer.from(bytes);
        spoilt[at] = (spoilt[at] ?? 0) ^ flip;
        await writeFile(path, spoilt);
        const opened = await open(path);
        const hit = ends.findLastIndex((end) => end <= at);
        const isNewline = bytes[at] === 10;
        for (const [i, one] of items.entries()) {
          // A damaged line end takes the record behind it along; nothing else is lost.
          if (i === hit || (isNewline && i === hit + 1)) continue;
          assert.ok(
            opened.records.some((record) => JSON.stringify(record) === JSON.stringify(one)),
            `record ${i} with byte ${at} damaged`,
          );
        }
        await opened.journal.close();
      }),
      { numRuns: 150 },
    );
    assert.ok((await readdir(folder)).includes('journal.damaged'));
  });

  it('keeps durable records if earlier ones that were not synced are lost with the machine', async (t) => {
    const path = await pathIn(t);
    const first = await open(path);
    await append(first, { id: 1, text: 'on disk' });
    const from = first.journal.size;
    await append(first, { id: 2, text: 'in memory only' }, false);
    const to = first.journal.size;
    await append(first, { id: 3, text: 'on disk, too' });
    await first.journal.close();
    const bytes = await readFile(path);
    await writeFile(path, bytes.fill(0, from, to));
    const second = await open(path);
    assert.deepEqual(second.records, [
      { id: 1, text: 'on disk' },
      { id: 3, text: 'on disk, too' },
    ]);
    await second.journal.close();
  });

  it('replaces a damaged file with its next write', async (t) => {
    const path = await pathIn(t);
    const first = await open(path);
    await append(first, { id: 1, text: 'one' });
    await append(first, { id: 2, text: 'two' });
    await first.journal.close();
    const bytes = await readFile(path, 'utf8');
    await writeFile(path, bytes.replace('one', 'eno'));
    const second = await open(path, new Map([[2, { id: 2, text: 'two' }]]));
    await append(second, { id: 3, text: 'three' });
    await second.journal.close();
    const { records, damaged } = await readRecords(await readFile(path), path);
    assert.deepEqual(records, [
      { id: 2, text: 'two' },
      { id: 3, text: 'three' },
    ]);
    assert.deepEqual(damaged, []);
  });

  it('throws nothing but a ConfigError, whatever the file holds', async (t) => {
    const path = await pathIn(t);
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('', 'coda-outbox 1\n', 'coda-outbox 9\n', 'coda'),
        async (garbage, header) => {
          await writeFile(path, header);
          await appendFile(path, garbage);
          try {
            const opened = await open(path);
            await append(opened, { id: 1, text: 'x' });
            await opened.journal.close();
            const { records } = await readRecords(await readFile(path), path);
            assert.deepEqual(records.at(-1), { id: 1, text: 'x' });
          } catch (thrown) {
            if (!(thrown instanceof ConfigError)) throw thrown;
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('names a file of another version, and leaves it as it is', async (t) => {
    const path = await pathIn(t);
    await writeFile(path, 'coda-outbox 2\nwhatever\n');
    await assert.rejects(open(path), (thrown: unknown) => {
      assert.ok(thrown instanceof ConfigError);
      assert.match(thrown.message, /not an outbox that this version/);
      assert.match(thrown.message, /undelivered results/);
      return true;
    });
    assert.equal(await readFile(path, 'utf8'), 'coda-outbox 2\nwhatever\n');
  });

  it('writes a record that is appended as soon as the last append has resolved', async (t) => {
    const opened = await open(await pathIn(t));
    for (let id = 0; id < 20; id += 1) {
      await append(opened, { id, text: '' }, id % 2 === 0);
      // A few microtasks later: just when the writer finds its queue empty.
      for (let i = 0; i < id % 5; i += 1) await Promise.resolve();
    }
    await opened.journal.close();
  });

  it('stays small while records come and go, and keeps the live ones', async (t) => {
    const path = await pathIn(t);
    const opened = await open(path);
    await append(opened, { id: -1, text: 'stays' });
    for (let id = 0; id < 3000; id += 20) {
      await Promise.all(
        Array.from({ length: 20 }, (_, i) => append(opened, { id: id + i, text: 'x'.repeat(5000) })),
      );
      for (let i = 0; i < 20; i += 1) opened.live.delete(id + i);
    }
    assert.ok((await stat(path)).size < 5 * 1024 * 1024, String((await stat(path)).size));
    await opened.journal.close();
    const { records } = await readRecords(await readFile(path), path);
    assert.deepEqual(records[0], { id: -1, text: 'stays' });
  });

  it('loses no append that arrives while the file is rewritten', async (t) => {
    const path = await pathIn(t);
    const opened = await open(path);
    const pending: Promise<void>[] = [];
    for (let id = 0; id < 2000; id += 1) {
      pending.push(append(opened, { id, text: 'x'.repeat(5000) }));
      if (id % 50 === 0) await new Promise(setImmediate);
    }
    await Promise.all(pending);
    await opened.journal.close();
    const ids = new Set(
      (await readRecords(await readFile(path))).records.map((record) => (record as Item).id),
    );
    assert.equal(ids.size, 2000);
  });

  it('has every record on disk when the process is ended by code, also while the file is rewritten', async (t) => {
    const folder = await temporaryFolder(t);
    const source = (name: string): string => new URL(`../../src/${name}.js`, import.meta.url).href;
    const script = `
import { Journal } from '${source('outbox/journal')}';
import { silentLogger } from '${source('log')}';
const [, path, turns] = process.argv;
const live = [];
const options = { log: silentLogger, onRecord: () => {}, snapshot: () => live, onTrouble: () => {} };
const journal = await Journal.open(path, options);
process.on('exit', () => journal.saveNow());
for (let id = 0; ; id += 1) {
  live.push({ id, text: 'x'.repeat(50_000) });
  void journal.append(live.at(-1), { durable: id % 3 > 0 });
  if (id === Number(turns)) process.exit(7);
  await new Promise(setImmediate);
}`;
    for (const turns of [0, 1, 2, 80, 90, 100, 110, 120, 160, 200]) {
      const path = join(folder, String(turns));
      const args = ['--input-type=module', '-e', script, path, String(turns)];
      assert.equal(spawnSync(process.execPath, args, { stdio: 'inherit' }).status, 7);
      const opened = await open(path);
      const ids = new Set(opened.records.map((record) => (record as Item).id));
      assert.equal(ids.size, turns + 1, `after ${turns} turns`);
      await opened.journal.close();
    }
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.endsWith('.last')),
      [],
    );
  });

  it('keeps records that a full disk does not take, says so, and writes them when there is room', async (t) => {
    const disk = await smallDisk(t);
    if (disk === undefined) return;
    const path = join(disk.folder, 'journal');
    const opened = await open(path);
    await append(opened, { id: 0, text: 'first' });
    const ballast = join(disk.folder, 'ballast');
    await writeFile(ballast, Buffer.alloc(200 * 1024));
    const large = { id: 1, text: 'x'.repeat(100 * 1024) };
    let saved = false;
    const saving = append(opened, large).then(() => (saved = true));
    await waitUntil('the trouble', () => opened.troubles.length === 1);
    assert.match(opened.troubles[0] ?? '', /cannot be saved.*ENOSPC/);
    // An append that need not be durable does not wait.
    await append(opened, { id: 2, text: '' }, false);
    assert.equal(saved, false);
    await rm(ballast);
    await saving;
    assert.deepEqual(opened.troubles.at(-1), undefined);
    await opened.journal.close();
    const ids = (await readRecords(await readFile(path))).records.map((record) => (record as Item).id);
    assert.deepEqual(ids, [0, 1, 2]);
  });

  it('writes again when a disk that had become read-only is writable again', async (t) => {
    const disk = await smallDisk(t);
    if (disk === undefined) return;
    const path = join(disk.folder, 'journal');
    const closed = await open(path);
    await closed.journal.close();
    disk.setReadOnly(true);
    await assert.rejects(open(path), ConfigError);
    disk.setReadOnly(false);
    const opened = await open(path);
    await append(opened, { id: 1, text: '' });
    await opened.journal.close();
  });

  it('closes in bounded time while writes fail', async (t) => {
    const disk = await smallDisk(t);
    if (disk === undefined) return;
    const opened = await open(join(disk.folder, 'journal'));
    await writeFile(join(disk.folder, 'ballast'), Buffer.alloc(200 * 1024));
    void append(opened, { id: 1, text: 'x'.repeat(100 * 1024) });
    await waitUntil('the trouble', () => opened.troubles.length === 1);
    await opened.journal.close();
  });
});
