// `coda executor list`: which executors a node could use here, which one it would use, and why not the others.
import { composeNode } from '../../compose.ts';
import type { ExecutorCandidate, ExecutorSearch } from '../../device/executor-search.ts';
import { createLogger } from '../../log.ts';
import { maskUrlPasswords } from '../../log/redaction.ts';
import { runConfig } from '../run-config.ts';
import { CommandError } from '../terminal/failure.ts';
import { logOutput, paint, type Output } from '../terminal/output.ts';
import { countText } from '../terminal/words.ts';
import { version } from '../../version.ts';

export interface ListOptions {
  readonly configPath: string | undefined;
  readonly json: boolean;
  readonly out: Output;
}

const MARKS: Readonly<
  Record<ExecutorCandidate['state'], readonly [mark: string, colour: 'green' | 'cyan' | 'red' | 'dim']>
> = {
  used: ['used       ', 'green'],
  usable: ['usable     ', 'cyan'],
  broken: ['BROKEN     ', 'red'],
  'passed over': ['passed over', 'dim'],
};

/** Returns the exit code: 0 if a node that starts here has an executor, 1 if not. */
export async function listExecutors({ configPath, json, out }: ListOptions): Promise<number> {
  const secrets: string[] = [];
  const config = await runConfig({
    env: process.env,
    cwd: process.cwd(),
    configPath,
    readState: false,
    log: { mask: (secret) => secrets.push(secret) },
  });
  const log = createLogger({ level: 'warn', ...logOutput() });
  for (const secret of secrets) log.mask(secret);
  for (const warning of config.warnings) log.warn(warning);
  const node = composeNode({ config, env: process.env, log });
  try {
    const found = await node.searchExecutors();
    if (found === undefined) {
      throw new CommandError('no plugin searches for executors', {
        remedy: 'Switch the built-in plugin `discovery` on.',
      });
    }
    const mask = (text: string): string => log.masked(maskUrlPasswords(text));
    const candidates = found.candidates.map((one) => ({
      ...one,
      ...(one.why === undefined ? {} : { why: mask(one.why) }),
    }));
    const uses = found.named?.reference ?? found.candidates.find(({ state }) => state === 'used')?.reference;
    if (json)
      out.json({ version, uses: uses ?? null, ...found, candidates, ms: Math.round(10 * found.ms) / 10 }, 2);
    else for (const line of lines({ ...found, candidates }, out)) out.write(line);
    return uses === undefined ? 1 : 0;
  } finally {
    await node.close();
  }
}

function lines(found: ExecutorSearch, out: Output): string[] {
  const { named, candidates, byName, folders, packages, ms } = found;
  const hasExecutor = named !== undefined || candidates.some(({ state }) => state === 'used');
  const indent = ' '.repeat(13);
  return [
    ...(named === undefined
      ? []
      : [`${paint(out, 'green', 'named      ')}  ${named.reference} (${named.source})`]),
    ...candidates.flatMap(({ state, name, place, why, remedy, reference }) => {
      const [mark, colour] = MARKS[state];
      return [
        `${paint(out, colour, mark)}  ${name}, in ${place}`,
        ...(why === undefined ? [] : [`${indent}${why}`]),
        ...(reference === undefined || state === 'used' ? [] : [`${indent}its name: ${reference}`]),
        ...(remedy === undefined ? [] : [`${indent}→ ${remedy}`]),
      ];
    }),
    `${paint(out, 'dim', 'by name    ')}  ${byName.join(', ')}`,
    '',
    `searched ${countText(packages, 'package')} in ${folders.length === 0 ? 'no node_modules' : folders.join(', ')} (${ms.toFixed(0)} ms)`,
    ...(hasExecutor
      ? []
      : [
          'there is no executor: a node would answer every job with zeros',
          '  → Set executor in coda.config.ts, or CODA_EXECUTOR_FACTORY; docs/executors.md shows how to write one.',
        ]),
  ];
}
