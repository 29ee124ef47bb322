// What a running node writes into its state directory so that the other commands find it: the daemon's PID file, and
// where it listens. Both are only hints: the commands check whether that process still runs.
import { rm } from 'node:fs/promises';
import { healthAddress, type HealthAddress } from '../../kernel/health-address.ts';
import { definePlugin, type Plugin } from '../../plugin.ts';
import { isRecord } from '../../protocol/text.ts';
import { daemonPidPath, nodeFolder, presencePath } from '../../state/layout.ts';
import { readHintFile, writeFileAtomic } from '../../state/private-file.ts';
import { startTimeOf, type ProcessIdentity } from '../../state/process.ts';

export interface Presence extends ProcessIdentity {
  readonly isDaemon: boolean;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly drainTimeoutSec: number;
  /** Of the health server; null if that is switched off. */
  readonly address: HealthAddress | null;
}

/** Announces the node once it has its state directory and its port; takes the announcement back when it closes. */
export function presence(isDaemon: boolean): Plugin {
  return definePlugin({
    name: 'presence',
    apply(node) {
      node.hooks.boot.tapPromise({ name: 'presence', stage: 1000 }, async () => {
        const { stateDir, shutdownDrainTimeoutSec } = node.settings;
        const path = presencePath(nodeFolder(stateDir));
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
          await rm(path, { force: true });
          if (isDaemon) await rm(daemonPidPath(stateDir), { force: true });
        });
        await writeFileAtomic(path, `${JSON.stringify(found)}\n`);
        // One line: the Python original reads it, too.
        if (isDaemon) await writeFileAtomic(daemonPidPath(stateDir), `${process.pid}\n`);
      });
    },
  });
}

/** What this process announced; undefined if the announcement is another process's. */
export function readPresence(stateDir: string, { pid, startTime }: ProcessIdentity): Presence | undefined {
  const text = readHintFile(presencePath(nodeFolder(stateDir)));
  if (text === undefined) return undefined;
  try {
    const found: unknown = JSON.parse(text);
    const isIts = isRecord(found) && found['pid'] === pid && found['startTime'] === startTime;
    return isIts ? (found as unknown as Presence) : undefined;
  } catch {
    return undefined;
  }
}
