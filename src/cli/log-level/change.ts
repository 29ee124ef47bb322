// Writes the levels that the operator wants into the node's folder, waits until the node has them, and shows them.
import { devNodeHint } from '../dev/rendezvous.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRecord } from '../../protocol/text.ts';
import { NO_SENSE, PLUGIN_NAME, readLevels, writeLevels, type SetLevel } from '../../state/level-file.ts';
import { findNode, type FoundNode } from '../local-node/find.ts';
import { askReady } from '../local-node/live.ts';
import { operatorStateDir } from '../local-node/settings.ts';
import { CommandError, UsageError } from '../terminal/failure.ts';
import { terminal, type Output } from '../terminal/output.ts';
import { durationText, shownText } from '../terminal/words.ts';
import type { ConfigOption } from '../terminal/options.ts';
import type { LogLevel } from '../../log/levels.ts';

export interface LogLevelOptions extends ConfigOption {
  readonly for?: string;
  readonly json?: boolean;
  readonly plugin?: string;
  readonly reset?: boolean;
}

/** Whose level it is, and which; no level: that of the settings again. */
export interface Wanted {
  readonly plugin: string | null;
  readonly level: LogLevel | undefined;
}

/** A running node should notice within a second or two. */
const NOTICED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 50;

/** Changes what is wanted, if anything is, and shows what holds. Resolves with the exit code. */
export async function changeLevels(
  wanted: readonly Wanted[],
  until: string | null,
  options: LogLevelOptions,
): Promise<number> {
  const out = terminal(process.stdout);
  for (const { plugin } of wanted) {
    if (plugin !== null && !PLUGIN_NAME.test(plugin))
      throw new UsageError(`'${plugin}' is no name of a plugin`);
  }
  const stateDir = await operatorStateDir(options.config);
  const { node } = await findNode(stateDir);
  if (node?.isOriginal === true) {
    throw new CommandError(`the Python coda-node (PID ${node.pid}) runs here, and its log has one level`, {
      remedy: 'Stop it (coda stop), and start this node (coda start).',
    });
  }
  const before = await readLevels(stateDir);
  const after = wanted.reduce((levels, one) => changed(levels, one, until), before ?? []);
  if (wanted.length > 0) await writeLevels(stateDir, after);
  const live = node === undefined ? undefined : await liveLevels(node, after);
  if (options.json === true) {
    out.json({ running: node !== undefined, set: after, live: live ?? null });
    return 0;
  }
  if (before === undefined && wanted.length === 0) {
    out.error(NO_SENSE);
  }
  show(out, after, live, node !== undefined);
  const hint = node === undefined ? devNodeHint(stateDir) : undefined;
  if (hint !== undefined) out.write(hint);
  return 0;
}

/** `--reset` without a plugin takes all back. */
function changed(levels: readonly SetLevel[], { plugin, level }: Wanted, until: string | null): SetLevel[] {
  if (level === undefined && plugin === null) return [];
  const others = levels.filter((one) => one.plugin !== plugin);
  return level === undefined ? others : [...others, { plugin, level, until }];
}

/** What the node says of its log once it has noticed `set`; undefined if it does not in time. */
async function liveLevels(
  node: FoundNode,
  set: readonly SetLevel[],
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const address = node.presence?.address ?? undefined;
  if (address === undefined) return undefined;
  for (const giveUpAt = performance.now() + NOTICED_WITHIN_MS; performance.now() < giveUpAt;) {
    const levels = (await askReady(node, address))?.['log_level'];
    if (isRecord(levels) && JSON.stringify(levels['set']) === JSON.stringify(set)) return levels;
    await sleep(LOOK_EVERY_MS);
  }
  return undefined;
}

function show(
  out: Output,
  set: readonly SetLevel[],
  live: Readonly<Record<string, unknown>> | undefined,
  isRunning: boolean,
): void {
  const how = (plugin: string | null): string => {
    const one = set.find((level) => level.plugin === plugin);
    if (one === undefined) return 'by the settings';
    if (one.until === null) return 'until coda log-level --reset';
    const seconds = (Date.parse(one.until) - Date.now()) / 1000;
    return `for ${durationText(seconds)} more, until ${one.until}`;
  };
  const row = (name: string, level: unknown, plugin: string | null): void =>
    out.write(`${name.padEnd(12)}  ${shownText(level).padEnd(5)}  ${how(plugin)}`);
  if (live === undefined) {
    for (const { plugin, level } of set) row(plugin ?? 'log level', level, plugin);
    if (set.length === 0) out.write('the log has the levels of the settings');
    if (isRunning) out.error('the node has not confirmed it: coda status shows its state');
    else out.write('no node runs here; this takes effect at its next start');
    return;
  }
  row('log level', live['level'], null);
  const plugins = isRecord(live['plugins']) ? live['plugins'] : {};
  for (const [name, level] of Object.entries(plugins)) row(name, level, name);
  const unknown: readonly unknown[] = Array.isArray(live['unknown']) ? live['unknown'] : [];
  if (unknown.length > 0) {
    out.error(
      `nothing in this node is named ${unknown.map(shownText).join(', ')} → the names are in front of the lines: coda logs`,
    );
  }
}
