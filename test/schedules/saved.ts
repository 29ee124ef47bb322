// Reads off a node's disk which outcomes it has saved, and which results it has set aside.
import type { DiskWatch } from './disk.ts';
import type { Ledger } from './ledger.ts';

/** Watches what the disk of a node holds. */
export function watchDisk(node: string, ledger: Ledger): DiskWatch {
  const look = (path: string, bytes: Buffer, isSafe: boolean): void => {
    if (path.includes('/outbox.journal')) lookAtJournal(bytes.toString('latin1'), isSafe);
    else if (path.includes('/refused/')) setAside(bytes.toString('latin1'));
    else if (path.endsWith('/dead-letters.jsonl')) deadLetter(bytes.toString('latin1'));
  };
  const lookAtJournal = (text: string, isSafe: boolean): void => {
    for (const line of text.split('\n')) {
      const record = recordIn(line);
      if (record === undefined) continue;
      const { t, jobId = '' } = record;
      if (t === 'outcome' && isSafe) ledger.saved(node, jobId);
      if (t === 'settled' || t === 'done') ledger.settled(node, jobId);
    }
  };
  const setAside = (text: string): void => {
    const jobId = /"jobId": "([^"]+)"/.exec(text)?.[1];
    if (jobId !== undefined) ledger.get(jobId).isSetAside = true;
  };
  const deadLetter = (text: string): void => {
    const entry = /"messageId":"([^"]+)"/.exec(text)?.[1];
    const job = entry === undefined ? undefined : ledger.ofEntry(entry);
    if (job?.kind === 'malformed') job.isSetAside = true;
  };
  return { written: look, synced: (path, all) => look(path, all, true) };
}

function recordIn(line: string): { readonly t?: string; readonly jobId?: string } | undefined {
  if (!line.startsWith('{', 9)) return undefined;
  try {
    return JSON.parse(line.slice(9)) as { t?: string; jobId?: string };
  } catch {
    return undefined;
  }
}
