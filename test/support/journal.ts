// The records of a journal's bytes.
import { readJournal, type JournalContent } from '../../src/outbox/journal-file.ts';

export async function readRecords(
  bytes: Buffer,
  path = '',
  pieceBytes?: number,
): Promise<JournalContent & { readonly records: object[] }> {
  const records: object[] = [];
  const read = (into: Buffer, position: number): Promise<number> =>
    Promise.resolve(bytes.copy(into, 0, position, position + into.length));
  const content = await readJournal(read, path, (record) => records.push(record), pieceBytes);
  return { ...content, records };
}
