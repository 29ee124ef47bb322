// A config file that cannot be loaded: the error names the file, the line and the fault, and quotes nothing.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder } from './folder.ts';
import { failure, fieldOf, loadFile, SECRET } from './loading.ts';

describe('a faulty config file is named with the place of its fault', () => {
  const faults: readonly (readonly [name: string, text: string, expected: RegExp])[] = [
    [
      'coda.config.ts',
      `export default {\n  nodeToken: '${SECRET}' x\n};`,
      /coda\.config\.ts:2:\d+: syntax error: /,
    ],
    [
      'coda.config.mjs',
      `export default {\n  nodeToken: '${SECRET}' x\n};`,
      /coda\.config\.mjs:2:\d+: syntax error: /,
    ],
    [
      'coda.config.cjs',
      `module.exports = {\n  nodeToken: '${SECRET}' x\n};`,
      /coda\.config\.cjs:2:\d+: syntax error: /,
    ],
    ['coda.config.ts', "const a: number = 1;\n\nthrow new Error('boom');", /coda\.config\.ts:3:\d+: boom$/],
    [
      'coda.config.ts',
      "export default () => {\n  throw new Error('boom');\n};",
      /coda\.config\.ts:2:\d+: boom$/,
    ],
    [
      'coda.config.ts',
      'export default async () => {\n  throw undefined;\n};',
      /coda\.config\.ts: undefined$/,
    ],
    [
      'coda.config.ts',
      "import x from './nowhere.ts';\nexport default x;",
      /coda\.config\.ts.*Cannot find module '\.\/nowhere\.ts'$/,
    ],
    ['coda.config.ts', 'export const concurrency = 2;', /coda\.config\.ts has no default export/],
    ['coda.config.cjs', '', /coda\.config\.cjs is empty/],
    ['coda.config.ts', 'export default () => {};', /coda\.config\.ts is empty/],
    [
      'coda.config.json',
      `{\n  "nodeToken": "${SECRET}"\n  "port": 1\n}`,
      /coda\.config\.json:3:3: not valid JSON/,
    ],
    [
      'coda.config.json',
      `{ nodeToken: '${SECRET}' }`,
      /coda\.config\.json is not valid JSON[^]*double quotes/,
    ],
    ['coda.config.json', ' ', /coda\.config\.json is empty/],
    [
      'coda.config.yaml',
      `a: 1\nnodeToken: '${SECRET}' '${SECRET}'\n`,
      /coda\.config\.yaml:2:\d+: not valid YAML/,
    ],
    ['coda.config.yaml', `nodeToken: *${SECRET}\n`, /coda\.config\.yaml: an alias cannot be resolved/],
    ['package.json', `{ "coda": { "nodeToken": "${SECRET}", } `, /package\.json(:1:\d+:| is) not valid JSON/],
    ['package.json', '{ "coda": null }', /"coda" of .*package\.json is empty/],
  ];
  for (const [name, text, expected] of faults) {
    it(`${name}: ${text.slice(0, 40).replaceAll('\n', ' ')}`, async (t) => {
      assert.match(await failure(loadFile(folder(t, { [name]: text }))), expected);
    });
  }

  it('a fault in a module that it imports', async (t) => {
    const cwd = folder(t, {
      'coda.config.ts': "import './a.ts';\nexport default {};",
      'a.ts': 'const a = 1;\nlet b = ;',
    });
    assert.match(await failure(loadFile(cwd)), /a\.ts:2:\d+: syntax error: /);
  });
});

it('a named config file is the only one that is read: no options of cosmiconfig are searched', async (t) => {
  const ran = join(folder(t), 'ran');
  const cwd = folder(t, {
    'package.json': `{ "coda": "${SECRET}" x`,
    '.config/config.js': `require('node:fs').writeFileSync(${JSON.stringify(ran)}, '');`,
    'lab.json': '{ "concurrency": 2 }',
  });
  const before = process.cwd();
  process.chdir(cwd);
  t.after(() => process.chdir(before));
  assert.equal(fieldOf(await loadFile('/', join(cwd, 'lab.json')), 'concurrency'), 2);
  assert.equal(existsSync(ran), false);
});
