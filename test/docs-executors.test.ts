// docs/executors.md is right: its files are written as it shows them, and its commands are run in their order.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { it } from 'node:test';
import { CHECKS } from '../src/conformance/checks/index.ts';
import { temporaryFolder } from './support/temporary.ts';

const TEXT = readFileSync(join('docs', 'executors.md'), 'utf8');
const MAIN = resolve('dist', 'bundle', 'coda.cjs');

function blocks(language: string): string[] {
  const found = TEXT.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'));
  return [...found].map(([, text = '']) => text);
}

it('the page of executors can be followed from its first line to its last', async (t) => {
  const folder = await temporaryFolder(t);
  const put = (name: string, text: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(resolve('.'), join(folder, 'node_modules', 'coda-node'));
  put('package.json', '{"type":"module"}');
  for (const text of [...blocks('ts'), ...blocks('js'), ...blocks('yaml')]) {
    const name = /^(?:\/\/|#) (\S+\.\w+)\n/.exec(text)?.[1];
    if (name !== undefined) put(name, text);
  }
  const [bell = '', manifest = ''] = blocks('json');
  put('bell.json', bell);
  const commands = blocks('sh')
    .flatMap((text) => text.trimEnd().split('\n'))
    .map((line) => line.replace(/ +#.*/, '').split(' '))
    .filter(([program]) => program !== 'npm');
  assert.ok(commands.length >= 8);
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, TMPDIR: folder, CODA_STATE_DIR: folder };
  for (const [program, ...words] of commands) {
    const args = program === 'npx' ? [MAIN, ...words.slice(1)] : words;
    const isList = words.includes('list');
    if (isList) {
      // As a package, which is found without being named.
      put('package.json', manifest);
      rmSync(join(folder, 'coda.config.ts'));
      rmSync(join(folder, 'site'), { recursive: true });
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    assert.equal(status, 0, `${[program, ...words].join(' ')}\n${stdout}${stderr}`);
    if (isList) assert.match(stdout, /^used +my-backend/m);
    if (words.includes('run')) assert.match(stdout, /00 .*1000/);
  }
});

it('the page of executors names every check', () => {
  for (const { id } of CHECKS) assert.match(TEXT, new RegExp(`^\\|[^|]*\`${id}\``, 'm'));
});
