// What a running node leaves in its state directory so that the other commands find it: the daemon's PID file, and
// where it listens. Both are hints; whether the process they name still runs is always checked.
import { rm } from 'node:fs/promises';
import { writeFileAtomic } from '../../state/private-file.ts';
import { definePlugin, type Plugin } from '../../plugin.ts';
import { startTimeOf } from '../../state/process.ts';
import { isRecord } from '../../protocol/text.ts';
import { serviceKey } from '../../kernel/services.ts';
import { pidPath, presencePath, readOwnFile } from './files.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Presence {
  readonly pid: number;
  readonly startTime: string;
  readonly isDaemon: boolean;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly drainTimeoutSec: number;
  /** Of the health server; null where that is switched off. */
  readonly address: Address | null;
}

/** Provided by the built-in plugin `health`. */
export const healthAddress = serviceKey<() => Address>('healthAddress');

/** Announces the node once it has the state directory and the port, and withdraws that when it closes. */
export function presence(isDaemon: boolean): Plugin {
  return definePlugin({
    name: 'presence',
    apply(node) {
      node.hooks.boot.tapPromise({ name: 'presence', stage: 1000 }, async () => {
        const { stateDir, shutdownDrainTimeoutSec } = node.settings;
        const startTime = startTimeOf(process.pid) ?? '';
        const found: Presence = {
          pid: process.pid,
          startTime,
          isDaemon,
          startedAt: new Date().toISOString(),
          drainTimeoutSec: shutdownDrainTimeoutSec,
          address: node.services.find(healthAddress)?.() ?? null,
        };
        node.onClose('the announcement of this node', async () => {
          await rm(presencePath(stateDir), { force: true });
          if (isDaemon) await rm(pidPath(stateDir), { force: true });
        });
        await writeFileAtomic(presencePath(stateDir), `${JSON.stringify(found)}\n`);
        if (isDaemon) await writeFileAtomic(pidPath(stateDir), `${process.pid}\n${startTime}\n`);
      });
    },
  });
}

/** What the process `pid` announced; undefined for what another process left. */
export function readPresence(stateDir: string, pid: number, startTime: string): Presence | undefined {
  const text = readOwnFile(presencePath(stateDir));
  if (text === undefined) return undefined;
  try {
    const found: unknown = JSON.parse(text);
    const isIts = isRecord(found) && found['pid'] === pid && found['startTime'] === startTime;
    return isIts ? (found as unknown as Presence) : undefined;
  } catch {
    return undefined;
  }
}
