// docs/executors.md is right: its files are written as it shows them, and its commands are run.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
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
  put('bell.qasm', blocks('qasm bell\\.qasm')[0] ?? '');
  const [manifest = ''] = blocks('json');
  const commands = blocks('sh')
    .flatMap((text) => text.trimEnd().split('\n'))
    .map((line) => line.replace(/ +#.*/, ''))
    .filter((line) => !line.startsWith('npm '));
  assert.ok(commands.length >= 8);
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, TMPDIR: folder, CODA_STATE_DIR: folder };
  const run = async (command: string): Promise<string> => {
    const [program, ...words] = command.split(' ');
    const args = program === 'npx' ? [MAIN, ...words.slice(1)] : words;
    // Rejects, with all that it has said, if it does not end with 0.
    return (await promisify(execFile)(process.execPath, args, { cwd: folder, env })).stdout;
  };
  const lists = (command: string): boolean => command.endsWith('executor list');
  const outputs = await Promise.all(
    commands
      .filter((command) => !lists(command))
      .map(async (command) => [command, await run(command)] as const),
  );
  assert.match(outputs.find(([command]) => command.includes('coda run'))?.[1] ?? '', /00 .*1000/);
  // As a package, which is found without being named.
  put('package.json', manifest);
  rmSync(join(folder, 'coda.config.ts'));
  rmSync(join(folder, 'site'), { recursive: true });
  const listed = await Promise.all(commands.filter(lists).map(run));
  assert.match(listed.join(''), /^used +my-backend/m);
});

it('the page of executors names every check', () => {
  for (const { id } of CHECKS) assert.match(TEXT, new RegExp(`^\\|[^|]*\`${id}\``, 'm'));
});
