// The last step of a newcomer: a circuit is submitted, and its counts are there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { coda } from '../cli/process.ts';

/** As `npm run dev` in one terminal, and a circuit in another one. */
export async function givesCounts(
  folder: string,
  main: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    scripts: { dev: string };
  };
  const [, ...words] = scripts.dev.split(' ');
  const dev = coda(words, { cwd: folder, main, env });
  await dev.says('Ready for your own circuits');
  const submit = coda(['submit', 'circuits/bell.json', '--shots', '500', '--wait'], {
    cwd: folder,
    main,
    env,
  });
  assert.equal(await submit.ended, 0, submit.output());
  const said = submit.output();
  dev.child.kill('SIGINT');
  assert.equal(await dev.ended, 0, dev.output());
  const counts = new Map(
    [...said.matchAll(/^ +([01]+) .* (\d+) +[\d.]+ %$/gm)].map(([, key, n]) => [key, Number(n)]),
  );
  assert.deepEqual(new Set(counts.keys()), new Set(['00', '11']), said);
  assert.equal((counts.get('00') ?? 0) + (counts.get('11') ?? 0), 500, said);
}
