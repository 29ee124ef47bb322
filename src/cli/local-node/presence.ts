// What a running node writes into its state directory so that the other commands find it: the daemon's PID file, and
// where it listens. Both are only hints: the commands check whether that process still runs.
import { rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { healthAddress, type HealthAddress } from '../../kernel/health-address.ts';
import { definePlugin, type Plugin } from '../../plugin.ts';
import { isRecord } from '../../protocol/text.ts';
import { daemonPidPath, nodeFolder, presencePath } from '../../state/layout.ts';
import { readHint, writeFileAtomic } from '../../state/private-file.ts';
import { recordStart } from '../../state/starts.ts';
import { version } from '../../version.ts';
import { isOf, startTimeOf, type ProcessIdentity } from '../../state/process.ts';

export interface Presence extends ProcessIdentity {
  readonly isDaemon: boolean;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly version: string;
  /** How often the node was started before. */
  readonly restarts: number;
  /** Of these, in the 24 hours before this start. */
  readonly recentRestarts: number;
  readonly drainTimeoutSec: number;
  /** Of the health server; null if that is switched off. */
  readonly address: HealthAddress | null;
}

const LOOK_EVERY_MS = 1_000;
const DAY_MS = 86_400_000;

/** Announces the node once it has its state directory and its port; takes the announcement back when it closes. */
export function presence(isDaemon: boolean): Plugin {
  return definePlugin({
    name: 'presence',
    apply(node) {
      const since = new Date().toISOString();
      let notReadySince: string | null = since;
      // After all others: what they say decides.
      node.hooks.readiness.tap({ name: 'presence', stage: 1000 }, (report) => {
        notReadySince = report.ready ? null : (notReadySince ?? new Date().toISOString());
        report.add('version', version);
        report.add('started_at', since);
        report.add('not_ready_since', notReadySince);
      });
      node.hooks.start.tap('presence', () => {
        const timer = setInterval(() => node.readiness(), LOOK_EVERY_MS).unref();
        node.onClose('the look at the readiness', () => clearInterval(timer));
      });
      // Right after the health server: whatever holds the rest of the boot up can be asked for.
      node.hooks.boot.tapPromise({ name: 'presence', stage: -400 }, async () => {
        const { stateDir, shutdownDrainTimeoutSec } = node.settings;
        const path = presencePath(nodeFolder(stateDir));
        const starts = await recordStart(nodeFolder(stateDir));
        const startTime = startTimeOf(process.pid) ?? '';
        const found: Presence = {
          pid: process.pid,
          startTime,
          isDaemon,
          startedAt: since,
          version,
          restarts: starts.count - 1,
          recentRestarts: starts.recent.filter((time) => Date.now() - Date.parse(time) < DAY_MS).length - 1,
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
  const hint = readHint(presencePath(nodeFolder(stateDir)));
  if (hint === undefined) return undefined;
  try {
    const found: unknown = JSON.parse(hint.text);
    const isIts =
      isRecord(found) && found['pid'] === pid && found['startTime'] === startTime && isOf(hint.owner, pid);
    return isIts && isPresence(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Whether it is what a node writes: the file may be another user's. */
function isPresence(found: object): found is Presence {
  const {
    isDaemon,
    startedAt,
    version: ofNode,
    drainTimeoutSec,
    address,
    ...counts
  } = found as Record<string, unknown>;
  return (
    typeof isDaemon === 'boolean' &&
    typeof startedAt === 'string' &&
    !Number.isNaN(Date.parse(startedAt)) &&
    typeof ofNode === 'string' &&
    isCount(drainTimeoutSec) &&
    isCount(counts['restarts']) &&
    isCount(counts['recentRestarts']) &&
    (address === null || (isRecord(address) && isAddress(address)))
  );
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

function isAddress({ host, port }: Readonly<Record<string, unknown>>): boolean {
  return typeof host === 'string' && isIP(host) !== 0 && isCount(port) && port > 0 && port < 65_536;
}
