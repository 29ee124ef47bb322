// A journal of any size is read and rewritten in pieces: whatever was saved once does not keep the node from starting.
import assert from 'node:assert/strict';
import { open, stat, statfs } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { silentLogger } from '../../src/log.ts';
import { filePieces, HEADER, lineOf } from '../../src/outbox/journal-file.ts';
import { Outbox } from '../../src/outbox/outbox.ts';
import { resultFiles } from '../../src/outbox/refused.ts';
import { journalPath, refusedDirectory } from '../../src/state/layout.ts';
import { waitUntil } from '../../src/testing/index.ts';
import { readRecords } from '../support/journal.ts';
import { temporaryFolder } from '../support/temporary.ts';

const MB = 1024 * 1024;

function outcome(jobId: string, callbackUrl: string): object {
  const failed = { status: 'failed', error: 'no' };
  return { t: 'outcome', qpuId: 'q', jobId, messageIds: ['1-0'], callbackUrl, outcome: failed, endedAt: '' };
}

function openOutbox(directory: string): Promise<Outbox> {
  return Outbox.open({
    directory,
    log: silentLogger,
    maxRetryDelayMs: 30,
    maxJobs: 1000,
    onTrouble: () => {},
    onChange: () => {},
  });
}

/** `live` results that wait, then so many that were delivered that the file has more than 2 GiB; callbacks of 1 MiB. */
async function writeJournal(directory: string, live: number): Promise<void> {
  const file = await open(journalPath(directory), 'w', 0o600);
  const callback = `http://127.0.0.1:1/${'x'.repeat(MB)}`;
  await file.write(HEADER);
  for (let i = 0; i < live; i += 1) await file.write(lineOf(outcome(`job-${i}`, callback)));
  const delivered = lineOf(outcome('delivered', callback)) + lineOf({ t: 'done', jobId: 'delivered' });
  const many = Buffer.from(delivered.repeat(16));
  for (let size = 0; size <= 2 ** 31; size += many.length) await file.write(many);
  await file.close();
}

describe('a large journal', () => {
  it('of more than 2 GiB is read; callbacks that are too long are set aside, and the file is small again', async (t) => {
    const directory = await temporaryFolder(t);
    const { bavail, bsize } = await statfs(directory);
    if (bavail * bsize < 6 * 1024 * MB) return t.skip('it takes 6 GiB of disk');
    await writeJournal(directory, 20);
    assert.ok((await stat(journalPath(directory))).size > 2 ** 31);
    const outbox = await openOutbox(directory);
    assert.equal(outbox.size, 20);
    const posted: string[] = [];
    const acknowledged: string[] = [];
    outbox.start({
      deliver: async ({ jobId }) => {
        posted.push(jobId);
        return { kind: 'delivered' };
      },
      statuses: {
        ended: async () => {},
        acknowledge: async (ids) => void acknowledged.push(...ids),
      },
    });
    await waitUntil('emptying', () => outbox.size === 0);
    assert.deepEqual(posted, []);
    assert.equal(acknowledged.length, 20);
    await waitUntil('rewriting', async () => (await stat(journalPath(directory))).size < MB);
    await outbox.close();
    assert.equal((await resultFiles(refusedDirectory(directory))).length, 20);
  });

  it('is read the same in pieces of any size, and written in none that is large', async () => {
    const records = Array.from({ length: 200 }, (_, id) => ({ id, text: 'ü'.repeat(id * 37) }));
    const damagedLine = 'damaged line\n';
    const bytes = Buffer.concat([
      ...filePieces(records),
      Buffer.from(damagedLine),
      ...records.map((one) => Buffer.from(lineOf(one))),
    ]);
    const whole = await readRecords(bytes);
    assert.deepEqual(whole.records, [...records, ...records]);
    const [damaged] = whole.damaged;
    assert.equal(bytes.toString('utf8', damaged?.start, damaged?.end), damagedLine);
    for (const pieceBytes of [1, 7, 64, 1000, MB]) {
      const part = bytes.subarray(0, bytes.length - 3);
      assert.deepEqual(
        await readRecords(part, '', pieceBytes),
        await readRecords(part, '', bytes.length),
        String(pieceBytes),
      );
    }
    // Many records of a megabyte: no piece takes more than the one that fills it.
    function* large(): Iterable<object> {
      for (let id = 0; id < 40; id += 1) yield { id, text: 'x'.repeat(MB) };
    }
    for (const piece of filePieces(large())) assert.ok(piece.length < 2 * MB + 100, String(piece.length));
  });
});
