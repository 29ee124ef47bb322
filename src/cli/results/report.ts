// Shows refused results: tables for people, JSON for programs. Never a callback's path, which may be a secret.
import { originOf } from '../../outbox/origins.ts';
import type { SetAside } from '../../outbox/refused.ts';
import { withoutCredentials } from '../../net/without-credentials.ts';
import { printable } from '../../protocol/text.ts';
import { webhookBody } from '../../protocol/webhook.ts';
import { deadLettersPath } from '../../state/layout.ts';
import { histogram } from '../terminal/histogram.ts';
import type { Output } from '../terminal/output.ts';
import { table } from '../terminal/table.ts';

export interface Overview {
  /** The node's own folder. */
  readonly folder: string;
  readonly refused: readonly SetAside[];
  readonly replaying: readonly SetAside[];
  /** Undefined if it cannot be read. */
  readonly undelivered: number | undefined;
  readonly deadLetters: number | undefined;
}

/** What `list` prints: the refused results, then how many other results and messages there are. */
export function listLines(overview: Overview): string[] {
  const { folder, refused, replaying, undelivered, deadLetters } = overview;
  const rows = refused.map(({ result }) => [
    printable(result.jobId, 64),
    result.outcome.status,
    printable(result.refusedAt, 30),
    safe(result.reason, 200),
  ]);
  return [
    ...(rows.length === 0
      ? [`no refused results in ${folder}`]
      : table([['JOB', 'STATUS', 'REFUSED AT', 'REASON'], ...rows])),
    '',
    ...table([
      ['ALSO THERE', 'COUNT', ''],
      ['to be replayed', String(replaying.length), 'a running node delivers them'],
      ['undelivered', String(undelivered ?? '?'), 'a running node delivers them: coda results --waiting'],
      ['dead letters', String(deadLetters ?? '?'), deadLetters === 0 ? '' : deadLettersPath(folder)],
    ]),
  ];
}

/** What `show` prints. */
export function resultLines({ path, result }: SetAside, isReplaying: boolean, out: Output): string[] {
  const { outcome } = result;
  const facts = [
    ['job', printable(result.jobId, 1000)],
    ['status', outcome.status],
    ['refused at', printable(result.refusedAt, 30)],
    ['reason', safe(result.reason, 2000)],
    ['callback to', originOf(result.callbackUrl)],
    ['ended at', printable(result.endedAt, 30)],
    ['QPU', printable(result.qpuId, 200)],
    ['messages', result.messageIds.map((id) => printable(id, 60)).join(', ')],
    ...(result.annotations === undefined
      ? []
      : [['annotations', safe(JSON.stringify(result.annotations), 5000)]]),
    ['file', `${path}${isReplaying ? ' (to be replayed)' : ''}`],
    ...(outcome.status === 'failed'
      ? [['error', safe(outcome.error, 2000)]]
      : [
          ['device time', `${outcome.executionTimeMs} ms`],
          ['shots', String(outcome.shotsCompleted)],
        ]),
  ];
  const counts = outcome.status === 'completed' ? histogram(outcome.counts, out) : [];
  return [...table(facts), ...counts.map((line) => `    ${line}`)];
}

/** A refused result for programs: what was posted, and why it was refused. */
export function jsonOf({ path, result }: SetAside): object {
  const { jobId, outcome, reason, refusedAt, callbackUrl, endedAt, qpuId, messageIds } = result;
  const body = webhookBody(jobId, outcome);
  return {
    ...body,
    ...(body.status === 'failed' ? { error: withoutCredentials(body.error) } : {}),
    refused_at: refusedAt,
    reason: withoutCredentials(reason),
    callback_origin: originOf(callbackUrl),
    ended_at: endedAt,
    qpu_id: qpuId,
    message_ids: messageIds,
    ...(result.annotations === undefined ? {} : { annotations: result.annotations }),
    file: path,
  };
}

/** A text of the cloud, for people. */
export function safe(text: string, max: number): string {
  return printable(withoutCredentials(text), max);
}
