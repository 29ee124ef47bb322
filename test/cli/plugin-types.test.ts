// What TypeScript says of a config and of a plugin, with the package as users install it: the options of every plugin are
// known, and a mistake is named by its key or its name.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { installPackage } from '../../bench/lab/package.ts';
import { put } from '../config/folder.ts';

const TSC = resolve('node_modules', 'typescript', 'bin', 'tsc');
const COMPILER = {
  strict: true,
  exactOptionalPropertyTypes: true,
  module: 'nodenext',
  target: 'es2023',
  types: [],
  skipLibCheck: true,
};

/** A package that declares its options once. */
const LAB = `import { definePlugin, type OptionsOf } from 'coda-node';
const plugin = definePlugin({
  name: 'lab',
  options: {
    type: 'object',
    properties: {
      url: { type: 'string', format: 'uri' },
      everyMin: { type: 'number', minimum: 1, default: 30 },
      mode: { enum: ['fast', 'exact'], default: 'fast' },
      tags: { type: 'array', items: { type: 'string' } },
      retry: { type: 'object', default: {}, properties: { times: { type: 'integer', default: 3 } } },
    },
    required: ['url'],
  },
  apply(node, options) {
    const { url, everyMin, mode, tags, retry } = options;
    const all: [string, number, 'fast' | 'exact', readonly string[] | undefined, number] = [url, everyMin, mode, tags, retry.times];
    node.hooks.onJob.tap('lab', (job) => void node.log.info(job.jobId + all.length));
  },
});
export type Options = OptionsOf<typeof plugin>;
export default plugin;
declare module 'coda-node' {
  interface PluginOptions { 'coda-plugin-lab': typeof plugin }
}
`;

const IMPORTS = `import { defineConfig, definePlugin, type CodaNode, type Plugin } from 'coda-node';
import lab from 'coda-plugin-lab';
class Old implements Plugin {
  name = 'old';
  constructor(readonly how: { readonly loud?: boolean }) {}
  apply(node: CodaNode): void { node.log.info(String(this.how.loud)); }
}
const make = async ({ depth }: { readonly depth: number }): Promise<Plugin> => ({ name: String(depth), apply() {} });
const plain = definePlugin({ name: 'plain', apply() {} });
const path: string = [lab, plain, Old, make].join('/');
`;
const config = (entry: string): string => `${IMPORTS}export default defineConfig({ plugins: [${entry}] });\n`;

const RIGHT = `
  'health', ['health', { port: 1 }], ['vpn', false], ['discovery', true], ['pause', {}],
  ['coda-plugin-lab', { url: 'http://a', mode: 'exact', tags: ['a'], retry: {} }], ['coda-plugin-lab', { url: 'http://a', everyMin: undefined }, 'second'],
  [lab, { url: 'http://a' }], [lab, { url: 'http://b', retry: { times: 1 } }, 'third'], plain, path.length > 3 && plain,
  Old, [Old, { loud: true }], [make, { depth: 3 }], new Old({}), path, './a.ts', ['./a.ts', { any: 1 }], ['coda-plugin-other', { any: 1 }, 'x'],
  { name: 'inline', apply(node) { node.hooks.afterRun.tap('inline', (job, outcome) => void node.log.info(job.jobId + outcome.status)); } },
  false, null, undefined,
`;

/** What is wrong, and what the compiler has to say. */
const WRONG: readonly (readonly [code: string, said: RegExp])[] = [
  [config("['health', { prot: 1 }]"), /'prot' does not exist in type .*port/],
  [config("['health', { port: 'x' }]"), /Type 'string' is not assignable to type 'number'/],
  [config("['healt', { port: 1 }]"), /Type '"healt"' is not assignable to type .*Did you mean '"health"'\?/],
  [config("'healt'"), /Type '"healt"' is not assignable to type .*Did you mean '"health"'\?/],
  [config("['discovery', { a: 5 }]"), /Type 'number' is not assignable to type 'ThisPluginTakesNoOptions'/],
  [
    config("['coda-plugin-lab', { url: 'http://a', evryMin: 1 }]"),
    /'evryMin' does not exist in type .*everyMin/,
  ],
  [config("['coda-plugin-lab', { everyMin: 1 }]"), /Property 'url' is missing in type/],
  [
    config("['coda-plugin-lab', { url: 'a', mode: 'slow' }]"),
    /Type '"slow"' is not assignable to type .*"fast"/,
  ],
  [config("[lab, { url: 'http://a', retry: { tims: 1 } }]"), /'tims' does not exist in type .*times/],
  [config('[plain, { a: 1 }]'), /Type 'number' is not assignable to type 'ThisPluginTakesNoOptions'/],
  [config('[Old, { lod: true }]'), /'lod' does not exist in type .*loud/],
  [config("[make, { depth: 'x' }]"), /Type 'string' is not assignable to type 'number'/],
  [
    `${IMPORTS}export default defineConfig(async () => ({ plugins: [['health', { prot: 1 }]] }));`,
    /'\{ readonly prot: 1; \}' is not assignable to type .*port/,
  ],
  [
    "import { definePlugin } from 'coda-node';\ndefinePlugin({ name: 'a', options: { type: 'object', properties: { n: { type: 'number' } } }, apply(node, { m }) { node.log.info(m); } });",
    /Property 'm' does not exist on type/,
  ],
  [
    "import { definePlugin } from 'coda-node';\ndefinePlugin({ name: 'a', options: { type: 'object', properties: { n: { tpye: 'number' } } }, apply() {} });",
    /'tpye' does not exist in type .*Did you mean to write 'type'|'tpye' does not exist in type/,
  ],
  [
    "import { definePlugin } from 'coda-node';\ndefinePlugin({ name: 'a', async apply(node) { node.log.info('a'); } });",
    /apply must not be async: await in a tap of boot or start/,
  ],
  [
    "import { definePlugin } from 'coda-node';\ndefinePlugin({ name: 'a', options: { type: 'object' }, async apply() {} });",
    /apply must not be async: await in a tap of boot or start/,
  ],
];

describe('TypeScript', () => {
  let root: string;
  let said: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'coda-types-'));
    installPackage(root);
    put(root, 'package.json', '{"type":"module"}');
    put(root, 'lab/index.ts', LAB);
    const lab = join('node_modules', 'coda-plugin-lab');
    put(
      root,
      'lab/tsconfig.json',
      JSON.stringify({
        compilerOptions: { ...COMPILER, declaration: true, outDir: join('..', lab), rootDir: '.' },
      }),
    );
    put(root, join(lab, 'package.json'), '{"name":"coda-plugin-lab","type":"module","exports":"./index.js"}');
    assert.equal(compile('lab'), '');
    put(root, 'right.ts', config(RIGHT));
    put(
      root,
      'by-name.ts',
      "import type {} from 'coda-plugin-lab';\nimport { defineConfig } from 'coda-node';\nexport default defineConfig({ plugins: [['coda-plugin-lab', { url: 'http://a' }]] });",
    );
    for (const [index, [code]] of WRONG.entries()) put(root, `wrong-${index}.ts`, code);
    put(
      root,
      'tsconfig.json',
      JSON.stringify({ compilerOptions: { ...COMPILER, noEmit: true }, include: ['*.ts'] }),
    );
    said = compile('.');
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  function compile(project: string): string {
    return spawnSync(process.execPath, [TSC, '-p', join(root, project), '--pretty', 'false'], {
      encoding: 'utf8',
      cwd: root,
    }).stdout;
  }

  /** The errors of one file. */
  const errorsOf = (file: string): string =>
    said
      .split(/\n(?! )/)
      .filter((error) => error.startsWith(file))
      .join('\n');

  it('accepts every form of an entry, and knows the arguments of hooks in it', () => {
    assert.equal(errorsOf('right.ts'), '');
    assert.equal(errorsOf('by-name.ts'), '');
  });

  for (const [index, [code, expected]] of WRONG.entries()) {
    const mistake =
      code
        .replace(IMPORTS, '')
        .split('\n')
        .findLast((line) => line !== '') ?? '';
    it(`names what is wrong in ${mistake}`, () => {
      const errors = errorsOf(`wrong-${index}.ts`);
      assert.match(errors, expected);
      assert.doesNotMatch(errors, /to type 'boolean'/);
    });
  }
});
