// `coda reset`: stops what runs here, then removes what the node has made.
import { lstatSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { ConfigError, messageOf } from '../../errors.ts';
import { readWaiting } from '../../outbox/overview.ts';
import { resultFiles } from '../../outbox/refused.ts';
import { nodeFolder, refusedDirectory, replayDirectory } from '../../state/layout.ts';
import { openNodeFolder } from '../../state/node-folder.ts';
import { checkTrustedDirectory, type Owners } from '../../state/trust.ts';
import { findNode } from '../local-node/find.ts';
import { stopNode } from '../local-node/stop-node.ts';
import { stopOpenvpn } from '../local-node/stop-openvpn.ts';
import type { Output } from '../terminal/output.ts';
import { countText } from '../terminal/words.ts';
import { ownFiles, type LeftFile } from './own-files.ts';

export interface Reset {
  readonly stateDir: string;
  /** Whose files are removed. */
  readonly owners: Owners;
  /** The VPN profile that the node's OpenVPN runs. */
  readonly vpnProfile: string;
  readonly out: Output;
  /** Asks the operator; undefined if there is no terminal to ask on. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
  /** Removes undelivered results without asking. */
  readonly yes: boolean;
}

export interface ResetResult {
  readonly stopped: number | null;
  readonly removed: readonly string[];
  readonly left: readonly LeftFile[];
}

/** Undefined if the operator said no. */
export async function resetNode({
  stateDir,
  owners,
  vpnProfile,
  out,
  ask,
  yes,
}: Reset): Promise<ResetResult | undefined> {
  if (exists(stateDir)) checkTrustedDirectory(stateDir, owners);
  const { node } = await findNode(stateDir);
  if (node !== undefined) await stopNode(node, { stateDir, out, timeoutSec: undefined });
  await stopOpenvpn(stateDir, vpnProfile);
  const opened = exists(nodeFolder(stateDir)) ? await openNodeFolder(stateDir, { owners }) : undefined;
  try {
    const results = opened === undefined ? 0 : await countResults(opened.directory);
    if (results > 0 && !yes) {
      const text = `${countText(results, 'result')} that the cloud does not have`;
      if (ask === undefined) {
        throw new ConfigError(`${opened?.directory} holds ${text}; nothing is removed`, {
          remedy: 'Let the node deliver them first (coda start), or remove them with coda reset --yes.',
        });
      }
      if (!(await ask(`This removes ${text}. They are then lost. Continue?`))) return undefined;
    }
    const { files, folder, left } = ownFiles(stateDir, owners);
    const toRemove = [...files, ...(folder === undefined ? [] : [folder])];
    for (const path of toRemove) await remove(path, path === folder);
    return { stopped: node?.pid ?? null, removed: toRemove, left };
  } finally {
    opened?.release();
  }
}

/** The results that would be lost: those not yet delivered, and those that the cloud refused. */
async function countResults(folder: string): Promise<number> {
  // A folder that cannot be read must not keep the operator from a reset.
  const { length: undelivered } = await readWaiting(folder).catch(() => []);
  const refused = await resultFiles(refusedDirectory(folder)).catch(() => []);
  const replaying = await resultFiles(replayDirectory(folder)).catch(() => []);
  return undelivered + refused.length + replaying.length;
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

async function remove(path: string, recursive: boolean): Promise<void> {
  try {
    await rm(path, { recursive, force: true });
  } catch (cause) {
    throw new ConfigError(`${path} cannot be removed: ${messageOf(cause)}`, {
      cause,
      remedy: 'Run coda reset as the user that owns it.',
    });
  }
}
