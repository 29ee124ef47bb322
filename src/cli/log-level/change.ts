// Writes the levels that the operator wants into the node's folder, waits until the node has them, and shows them.
import { devNodeHint } from '../dev/rendezvous.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRecord } from '../../protocol/text.ts';
import {
  isOn,
  NO_SENSE,
  PLUGIN_NAME,
  readLevels,
  writeLevels,
  type SetLevel,
} from '../../state/level-file.ts';
import { findOwnNode, type FoundNode } from '../local-node/find.ts';
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

type Live = Readonly<Record<string, unknown>>;

/** A running node should notice within a second or two. */
const NOTICED_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 50;
/** So long a command takes at most from its look at the file to its write. */
const SETTLED_MS = 200;

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
  const { node } = await findOwnNode(stateDir, 'log-level');
  if (node?.isOriginal === true) {
    throw new CommandError(`the Python coda-node (PID ${node.pid}) runs here, and its log has one level`, {
      remedy: 'Stop it (coda stop), and start this node (coda start).',
    });
  }
  const before = await readLevels(stateDir);
  const change = new Change(stateDir, wanted, until, before ?? []);
  const { set: after, live } = await change.make(node);
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

/** What is wanted, until the file has it and the node says so. */
class Change {
  readonly #stateDir: string;
  readonly #wanted: readonly Wanted[];
  readonly #until: string | null;
  readonly #before: readonly SetLevel[];

  constructor(
    stateDir: string,
    wanted: readonly Wanted[],
    until: string | null,
    before: readonly SetLevel[],
  ) {
    this.#stateDir = stateDir;
    this.#wanted = wanted;
    this.#until = until;
    this.#before = before;
  }

  /** `live`: what the node says of its log; undefined if it does not in time. */
  async make(node: FoundNode | undefined): Promise<{ set: readonly SetLevel[]; live: Live | undefined }> {
    let set = this.#wanted.length === 0 ? this.#before : await this.#write(this.#before);
    const address = node?.presence?.address ?? undefined;
    const settledMs = this.#wanted.length === 0 ? 0 : SETTLED_MS;
    const giveUpAt = performance.now() + (address === undefined ? settledMs : NOTICED_WITHIN_MS);
    for (;;) {
      if (node !== undefined && address !== undefined) {
        const live = (await askReady(node, address))?.['log_level'];
        if (isRecord(live) && JSON.stringify(live['set']) === JSON.stringify(set)) return { set, live };
      }
      await sleep(LOOK_EVERY_MS);
      const found = (await readLevels(this.#stateDir)) ?? [];
      set = this.#isLost(found) ? await this.#write(found) : found;
      if (performance.now() >= giveUpAt) return { set, live: undefined };
    }
  }

  async #write(levels: readonly SetLevel[]): Promise<readonly SetLevel[]> {
    const set = this.#wanted.reduce((others, one) => changed(others, one, this.#until), levels);
    await writeLevels(this.#stateDir, set);
    return set;
  }

  /** Whether another command, which had read the file before this one wrote it, has written it since then. */
  #isLost(found: readonly SetLevel[]): boolean {
    return this.#wanted.some((one) => {
      if (one.level !== undefined && !isOn({ ...one, level: one.level, until: this.#until })) return false;
      const [now, before, after] = [found, this.#before, changed(this.#before, one, this.#until)].map(
        (levels) => JSON.stringify(levels.filter(({ plugin }) => plugin === one.plugin)),
      );
      return now === before && now !== after;
    });
  }
}

/** `--reset` without a plugin takes all back. What holds for longer than `level` holds again after it. */
function changed(
  levels: readonly SetLevel[],
  { plugin, level }: Wanted,
  until: string | null,
): readonly SetLevel[] {
  if (level === undefined && plugin === null) return [];
  const others = levels.filter(
    (one) => one.plugin !== plugin || (level !== undefined && endOf(one.until) > endOf(until)),
  );
  return level === undefined ? others : [...others, { plugin, level, until }];
}

function endOf(until: string | null): number {
  return until === null ? Infinity : Date.parse(until);
}

function show(out: Output, set: readonly SetLevel[], live: Live | undefined, isRunning: boolean): void {
  const how = (plugin: string | null): string => {
    const one = set.findLast((level) => level.plugin === plugin);
    if (one === undefined) return 'by the settings';
    if (one.until === null) return 'until coda log-level --reset';
    const seconds = (Date.parse(one.until) - Date.now()) / 1000;
    return `for ${durationText(seconds)} more, until ${one.until}`;
  };
  const row = (name: string, level: unknown, plugin: string | null): void =>
    out.write(`${name.padEnd(12)}  ${shownText(level).padEnd(5)}  ${how(plugin)}`);
  if (live === undefined) {
    const last = new Map(set.map(({ plugin, level }) => [plugin, level]));
    for (const [plugin, level] of last) row(plugin ?? 'log level', level, plugin);
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
