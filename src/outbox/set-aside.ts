// All results that are set aside in a node's folder, whether its node runs or not.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { refusedDirectory, replayDirectory } from '../state/layout.ts';
import { readRefused, resultFiles, type SetAside } from './refused.ts';

export interface AllSetAside {
  /** The oldest first. */
  readonly refused: readonly SetAside[];
  /** Those that the node has not taken yet. */
  readonly replaying: readonly SetAside[];
  /** One sentence for each file that cannot be used. */
  readonly problems: readonly string[];
  /** How many files there are, also those that were not read. */
  readonly count: { readonly refused: number; readonly replaying: number };
}

export interface Bounds {
  /** Files to read of each kind: the oldest ones. */
  readonly most: number;
  /** A larger file is a problem. */
  readonly mostBytes: number;
}

/** Never rejects. */
export async function findSetAside(folder: string, bounds?: Bounds): Promise<AllSetAside> {
  const problems: string[] = [];
  const refused = await readAll(refusedDirectory(folder), problems, bounds);
  const replaying = await readAll(replayDirectory(folder), problems, bounds);
  return {
    refused: refused.found,
    replaying: replaying.found,
    problems,
    count: { refused: refused.count, replaying: replaying.count },
  };
}

async function readAll(
  directory: string,
  problems: string[],
  bounds: Bounds | undefined,
): Promise<{ readonly found: SetAside[]; readonly count: number }> {
  const names = await resultFiles(directory).catch((thrown: unknown): string[] => {
    problems.push(messageOf(thrown));
    return [];
  });
  const paths = names.map((name) => join(directory, name));
  const found: SetAside[] = [];
  for (const path of await oldest(paths, bounds?.most ?? Infinity)) {
    try {
      const result = readRefused(path, bounds?.mostBytes);
      if (result !== undefined) found.push({ path, result });
    } catch (thrown) {
      problems.push(messageOf(thrown));
    }
    // A node that runs has more to do.
    await nextTurn();
  }
  found.sort((a, b) => (a.result.refusedAt < b.result.refusedAt ? -1 : 1));
  return { found, count: names.length };
}

async function oldest(paths: readonly string[], most: number): Promise<readonly string[]> {
  if (paths.length <= most) return paths;
  const aged = await Promise.all(
    paths.map(async (path) => ({
      path,
      at: await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => Infinity,
      ),
    })),
  );
  return aged
    .toSorted((a, b) => a.at - b.at)
    .slice(0, most)
    .map(({ path }) => path);
}
