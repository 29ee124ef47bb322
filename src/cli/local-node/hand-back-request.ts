// How `coda stop --hand-back` asks a running node to give its jobs to another consumer, and how the node answers: two
// files in the node's folder. The node does it itself, since Redis may be behind a tunnel that ends with the node.
import { rm } from 'node:fs/promises';
import { messageOf } from '../../errors.ts';
import { withDeadline } from '../../net/timing.ts';
import type { Node } from '../../node.ts';
import { isRecord } from '../../protocol/text.ts';
import type { HandedBack } from '../../queue/hand-back.ts';
import { handBackPath, handedBackPath, nodeFolder } from '../../state/layout.ts';
import { readPrivateFile, writeFileAtomic } from '../../state/private-file.ts';
import { startTimeOf, type ProcessIdentity } from '../../state/process.ts';

/** Less than a node has to close. */
const WITHIN_MS = 10_000;
const MOST_BYTES = 16 * 1024 * 1024;

export type HandBackAnswer =
  | { readonly done: HandedBack }
  /** Why nothing, or not everything, was given. */
  | { readonly failed: string };

/** Asks this process, and no later one. */
export async function requestHandBack(
  stateDir: string,
  { pid, startTime }: ProcessIdentity,
  consumer: string | null,
): Promise<void> {
  const folder = nodeFolder(stateDir);
  await rm(handedBackPath(folder), { force: true });
  await writeFileAtomic(handBackPath(folder), `${JSON.stringify({ pid, startTime, consumer })}\n`);
}

/** What the node answered; undefined if it has not. The files are removed. */
export async function takeHandBackAnswer(stateDir: string): Promise<HandBackAnswer | undefined> {
  const folder = nodeFolder(stateDir);
  const answer = parsed(handedBackPath(folder));
  for (const path of [handBackPath(folder), handedBackPath(folder)]) await rm(path, { force: true });
  return isRecord(answer) ? (answer as HandBackAnswer) : undefined;
}

/** In the node, after its drain: does what was asked of it, if anything was. Never rejects. */
export async function answerHandBack(node: Node): Promise<void> {
  const folder = nodeFolder(node.settings.stateDir);
  try {
    const asked = parsed(handBackPath(folder));
    if (!isRecord(asked)) return;
    await rm(handBackPath(folder), { force: true });
    const isMeant = asked['pid'] === process.pid && asked['startTime'] === (startTimeOf(process.pid) ?? '');
    if (!isMeant) return;
    const consumer = typeof asked['consumer'] === 'string' ? asked['consumer'] : null;
    const answer = await answerOf(node, consumer);
    if ('done' in answer) {
      const { handedOver, kept, consumer: to } = answer.done;
      node.log.info(`gave ${handedOver.length} jobs back to the consumer ${to}, and kept ${kept.length}`);
    } else node.log.warn(`no jobs were given back: ${answer.failed}`);
    await writeFileAtomic(handedBackPath(folder), `${JSON.stringify(answer)}\n`);
  } catch (thrown) {
    node.log.warn(`the request to give jobs back failed: ${messageOf(thrown)}`);
  }
}

async function answerOf(node: Node, consumer: string | null): Promise<HandBackAnswer> {
  try {
    const late = `Redis has not answered within ${WITHIN_MS / 1000} s`;
    const done = await withDeadline(node.handBack(consumer), WITHIN_MS, late);
    return done === undefined ? { failed: 'the node had no queue yet' } : { done };
  } catch (thrown) {
    return { failed: messageOf(thrown) };
  }
}

function parsed(path: string): unknown {
  const text = readPrivateFile(path, MOST_BYTES);
  return text === undefined ? undefined : JSON.parse(text);
}
