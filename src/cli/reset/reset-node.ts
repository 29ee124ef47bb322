// `coda reset`: ends everything that runs here, then removes what the node has made, and says so.
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { ConfigError, messageOf } from '../../errors.ts';
import { Outbox } from '../../outbox/outbox.ts';
import { refusedDirectory } from '../../outbox/refused.ts';
import { openSpool, spoolDirectory } from '../../state/lock.ts';
import { silentLogger } from '../../log.ts';
import type { Output } from '../terminal/output.ts';
import { findNode } from '../local-node/find.ts';
import { ownFiles } from './own-files.ts';
import { stopNode } from '../local-node/stop-node.ts';
import { stopVpnProcess } from '../local-node/stop-vpn-process.ts';
import { countText } from '../terminal/words.ts';

export interface Reset {
  readonly stateDir: string;
  readonly out: Output;
  /** Asks the operator; undefined: nobody is there to answer. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
  /** Everything is agreed to beforehand, but for files outside the state directory. */
  readonly yes: boolean;
}

export interface ResetResult {
  readonly stopped: number | null;
  readonly removed: readonly string[];
  readonly left: readonly string[];
}

/** Undefined where the operator did not want it. */
export async function resetNode({ stateDir, out, ask, yes }: Reset): Promise<ResetResult | undefined> {
  const { node } = findNode(stateDir);
  if (node !== undefined) await stopNode(node, { stateDir, out, timeoutSec: undefined });
  await stopVpnProcess(stateDir);
  const spool = existsSync(spoolDirectory(stateDir)) ? openSpool(stateDir) : undefined;
  try {
    const results = spool === undefined ? 0 : await countResults(spool.directory);
    if (results > 0 && !yes) {
      const text = `${countText(results, 'result')} that the cloud does not have`;
      if (ask === undefined) {
        throw new ConfigError(`${spool?.directory} holds ${text}; nothing is removed`, {
          remedy: 'Let the node deliver first (coda start), or remove them with coda reset --yes.',
        });
      }
      if (!(await ask(`This removes ${text}, for ever. Go on?`))) return undefined;
    }
    const { inside, outside } = ownFiles(stateDir);
    const doomed = [...inside];
    const left: string[] = [];
    for (const path of outside) {
      const isWanted =
        ask !== undefined && (await ask(`The node also keeps ${path}, elsewhere. Remove it, too?`));
      (isWanted ? doomed : left).push(path);
    }
    for (const path of doomed) await remove(path);
    return { stopped: node?.pid ?? null, removed: doomed, left };
  } finally {
    spool?.release();
  }
}

/** What would be lost: results not yet delivered, and those that the cloud refused. */
async function countResults(spool: string): Promise<number> {
  const refused = await readdir(refusedDirectory(spool)).catch(() => []);
  const outbox = await Outbox.open({
    directory: spool,
    log: silentLogger,
    maxRetryDelayMs: 1,
    onTrouble: () => {},
    onChange: () => {},
  }).catch(() => undefined);
  const count = outbox?.size ?? 0;
  await outbox?.close();
  return count + refused.filter((name) => name.endsWith('.json')).length;
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { recursive: path.endsWith('coda-node-spool'), force: true });
  } catch (cause) {
    throw new ConfigError(`${path} cannot be removed: ${messageOf(cause)}`, {
      cause,
      remedy: 'Run coda reset as the user that owns it.',
    });
  }
}
