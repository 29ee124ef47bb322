// The files stay within their limits, and no damage to them or to the disk reaches more than it must.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SeriesWriter } from '../../src/history/files.ts';
import { createLogger } from '../../src/log.ts';
import { smallDisk } from '../support/temporary.ts';
import { ended, testHistory } from './ended.ts';

describe('the history on the disk', () => {
  it('keeps its files within their size, and loses only the oldest', async (t) => {
    const { open, folder } = await testHistory(t);
    const history = open({ maxMb: 1 });
    const jobs = 12_000;
    for (let i = 0; i < jobs; i++) {
      history.ended(ended(`job-${i}`));
      if (i % 100 === 0) await history.recent(0);
    }
    const found = (await history.list({ limit: jobs })).jobs.map(({ jobId }) => Number(jobId.slice(4)));
    assert.ok(found.length > 1_000 && found.length < jobs, `${found.length} are left`);
    assert.deepEqual(
      found,
      Array.from(found, (_, i) => jobs - 1 - i),
    );
    const bytes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    assert.ok(bytes.reduce((sum, size) => sum + size, 0) <= 1024 * 1024, bytes.join(' '));
  });

  it('skips what is damaged, and continues behind it', async (t) => {
    const { open, folder } = await testHistory(t);
    const first = open();
    first.ended(ended('one'));
    await first.close();
    const [name = ''] = readdirSync(folder);
    const path = join(folder, name);
    appendFileSync(
      path,
      '{"j":"bad"}\n{"j":3,"t":1}\n\u0000\u0000\n[]\n{"a":"one","t":1,"k":"?"}\n{"j":"torn","o":"c","t":17',
    );
    const second = open();
    second.ended(ended('two'));
    await second.close();
    truncateSync(path, statSync(path).size - 3);
    const third = open();
    third.ended(ended('three'));
    assert.deepEqual(
      (await third.recent(10)).map(({ jobId }) => jobId),
      ['three', 'one'],
    );
    assert.equal(readdirSync(folder).filter((file) => file.startsWith('jobs-')).length, 1);
  });

  it('removes what is older than it may be, but not the file that is written', async (t) => {
    const { folder } = await testHistory(t);
    const options = { folder, series: 'jobs', maxBytes: 16 * 16 * 1024 } as const;
    const writer = new SeriesWriter({ ...options, maxAgeMs: 60_000 });
    t.after(() => writer.close());
    const line = Buffer.from(`${'x'.repeat(16 * 1024)}\n`);
    for (let i = 0; i < 4; i++) await writer.write(line);
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1, 1);
    await writer.write(line);
    utimesSync(join(folder, 'jobs-00000005.jsonl'), 1, 1);
    await writer.removeOld();
    assert.deepEqual(readdirSync(folder), ['jobs-00000005.jsonl']);
  });

  it('warns once if it cannot be written, and continues once it can', async (t) => {
    const { stateDir, open, folder } = await testHistory(t);
    const lines: string[] = [];
    writeFileSync(folder, 'in its place');
    const history = open({ stateDir, log: createLogger({ write: (line) => lines.push(line) }) });
    for (let i = 0; i < 3; i++) {
      history.ended(ended(`lost-${i}`));
      await history.list({}).catch(() => {});
    }
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /WARN .*the history of jobs cannot be written: .*jobs are not touched by that/,
    );
    rmSync(folder);
    history.ended(ended('kept'));
    assert.deepEqual(
      (await history.recent(5)).map(({ jobId }) => jobId),
      ['kept'],
    );
    assert.match(lines[1] ?? '', /the history is written again/);
    assert.equal(lines.length, 2);
  });

  it('goes on in new files if somebody removes, moves or empties those that it writes', async (t) => {
    const { folder, open } = await testHistory(t);
    const history = open();
    const files = (): string[] => readdirSync(folder).map((name) => join(folder, name));
    const ways: readonly (readonly [name: string, change: () => void])[] = [
      ['files removed', () => files().forEach((file) => rmSync(file))],
      ['folder removed', () => rmSync(folder, { recursive: true })],
      ['folder moved', () => renameSync(folder, `${folder}.old`)],
      ['files emptied', () => files().forEach((file) => truncateSync(file))],
    ];
    for (const [name, change] of ways) {
      history.ended(ended(`before: ${name}`));
      await history.recent(1);
      change();
      history.ended(ended(name));
      assert.deepEqual(
        (await history.recent(10)).map(({ jobId }) => jobId),
        [name],
      );
    }
  });

  it('survives a disk that is full: what is there stays, and what comes later is recorded', async (t) => {
    const disk = await smallDisk(t);
    if (disk === undefined) return;
    const { open } = await testHistory(t);
    const lines: string[] = [];
    mkdirSync(join(disk.folder, 'coda-node-spool'));
    const log = createLogger({ write: (line) => lines.push(line) });
    const history = open({ stateDir: disk.folder, log });
    history.ended(ended('first'));
    await history.recent(1);
    const filler = join(disk.folder, 'filler');
    writeFileSync(filler, '');
    for (let bytes = 4096; bytes > 0;) {
      try {
        appendFileSync(filler, Buffer.alloc(bytes));
      } catch {
        bytes = 0;
      }
    }
    for (let i = 0; i < 40; i++) history.ended(ended(`lost-${i}`));
    await history.recent(1);
    assert.match(
      lines.join('\n'),
      /the history of jobs cannot be written: .*ENOSPC[^]*→ The disk of .* is full/,
    );
    truncateSync(filler);
    history.ended(ended('later'));
    const ids = (await history.recent(100)).map(({ jobId }) => jobId);
    assert.deepEqual([ids[0], ids.at(-1)], ['later', 'first']);
    await history.close();
    assert.ok(existsSync(join(disk.folder, 'coda-node-spool', 'history')));
    assert.equal(lines.length, 2, lines.join('\n'));
  });
});
