// How long a node without a named executor searches 1,500 installed packages for one.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inTurns, rowOf, type Figure } from '../figure.ts';

/** Reads the package.json of each package, and nothing else. */
const BARE = `
const { readdirSync, readFileSync } = require('node:fs');
const begin = performance.now();
for (const name of readdirSync('node_modules')) readFileSync('node_modules/' + name + '/package.json');
console.log(JSON.stringify({ ms: performance.now() - begin }));
`;
/** As long as that of a common package. */
const DESCRIPTION = 'x'.repeat(1_500);

export const search: Figure = {
  name: 'search',
  title: 'search of 1,500 packages for an executor',
  async measure(lab) {
    const packages = lab.size({ full: 1_500, quick: 1_500, tiny: 20 });
    const repetitions = lab.size({ full: 11, quick: 5, tiny: 1 });
    const folder = join(lab.folder, 'search');
    putPackages(folder, packages);
    const commands = { node: [lab.package.coda, 'executor', 'list', '--json'], bare: ['-e', BARE] };
    const samples = await inTurns(
      lab,
      `${packages} packages`,
      { node: repetitions, bare: repetitions },
      (subject) => Promise.resolve({ ms: timed(subject === 'bare' ? commands.bare : commands.node, folder) }),
    );
    return [
      rowOf(
        {
          figure: 'search',
          what: 'search of 1,500 packages for an executor (bare: reading each package.json)',
          goal: '≤ 50 ms',
          unit: 'ms',
          better: 'lower',
        },
        samples,
        'ms',
        ({ node }) => node <= 50,
      ),
    ];
  },
};

function putPackages(folder: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const place = join(folder, 'node_modules', `package-${i}`);
    mkdirSync(join(place, 'dist'), { recursive: true });
    const manifest = { name: `package-${i}`, description: DESCRIPTION, main: 'dist/index.js' };
    writeFileSync(join(place, 'package.json'), JSON.stringify(manifest));
    for (const file of ['README.md', 'LICENSE', 'dist/index.js']) writeFileSync(join(place, file), '');
  }
}

/** What a process says of its own time, without its start. */
function timed(args: readonly string[], cwd: string): number {
  const { stdout } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  const said = JSON.parse(stdout.slice(stdout.indexOf('{'))) as { readonly ms: number };
  return said.ms;
}
