import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createModuleLoader } from '../../src/compose.ts';
import { translate } from '../../src/config/translate.ts';
import { folder } from './folder.ts';

const modules = createModuleLoader();
const HELPERS = {
  'helper.ts': 'export const one: number = 1;\nexport default class Named {}\nexport type Only = string;',
  'commonjs.cjs': 'module.exports = { two: 2 };',
  'late.mjs': 'export const three = await Promise.resolve(3);',
};

/** What a module exports as its default. */
async function run(
  t: { after: (action: () => void) => void },
  source: string,
  name = 'a.ts',
): Promise<unknown> {
  const cwd = folder(t, { ...HELPERS, [name]: source });
  return (await modules.import(join(cwd, name)))['default'];
}

describe('a module of a user', () => {
  const forms: Readonly<Record<string, readonly [source: string, expected: unknown]>> = {
    'types of every kind': [
      'interface A { x: number }\ntype B = A | undefined;\nfunction f<T extends B>(this: void, x?: T): asserts x {}\n' +
        'declare const gone: string;\nexport default { x: 1 as const } satisfies A as A;',
      { x: 1 },
    ],
    'imports of types, gone at run time': [
      "import { one, type Only } from './helper.ts';\nimport type { Nothing } from './nowhere.ts';\nconst a: Only = 'a';\n" +
        'export default [one, a];',
      [1, 'a'],
    ],
    'an enum and a namespace': [
      'enum A { x = 1, y }\nnamespace N { export const z = A.y; }\nexport default [A.x, A[2], N.z];',
      [1, 'y', 2],
    ],
    'a class with parameter properties and fields': [
      'class A { z = 3; constructor(readonly x: number, private y = 2) {} sum() { return this.x + this.y + this.z; } }\n' +
        'export default new A(1).sum();',
      6,
    ],
    'all kinds of imports and re-exports': [
      "import Named, { one as uno } from './helper.ts';\nimport * as all from './helper.ts';\nexport * from './helper.ts';\n" +
        "export { one as again } from './helper.ts';\nimport './helper.ts';\nimport { two } from './commonjs.cjs';\n" +
        'export default [uno, all.one, Named === all.default, two];',
      [1, 1, true, 2],
    ],
    'a module that awaits': ["import { three } from './late.mjs';\nexport default [three, await 4];", [3, 4]],
    'an import() and import.meta': [
      "const { one } = await import('./helper.ts');\nexport default [one, import.meta.url.endsWith('/a.ts')];",
      [1, true],
    ],
    'require, in a word or in fact': ["// require\nexport default require('./commonjs.cjs').two;", 2],
    'new syntax': [
      'class A { #x = 1; static y = 0; static { this.y = 2; } get x() { return this.#x ?? 0; } }\n' +
        'export default [new A().x, (A as unknown as { y: number }).y, 1_000, /a/v.test("a")];',
      [1, 2, 1000, true],
    ],
  };
  for (const [name, [source, expected]] of Object.entries(forms)) {
    it(`may use ${name}`, async (t) => {
      assert.deepEqual(await run(t, source), expected);
    });
  }

  it('that sucrase cannot read is named with the place of the mistake', async (t) => {
    for (const source of [
      '\nlet x: number = ;',
      '\nconst a = 1; const a = 2;',
      '\nexport default { a: 1 ',
      '\nclass A { @nowhere x = 1 }\n',
      "\nexport default 'open",
    ]) {
      const cwd = folder(t, { 'a.ts': source });
      const path = join(cwd, 'a.ts');
      const failure = await modules.import(path).then(
        () => assert.fail(`it runs: ${source}`),
        (thrown: unknown) => modules.failureText(thrown, path),
      );
      assert.match(failure, /a\.ts:[23]\b/, source);
    }
  });

  it('keeps its lines, so that a stack trace is right', () => {
    const source =
      "import { a } from 'a';\n\ninterface B {\n  c: string;\n}\n\nexport const d = (e: B): string => e.c + a;\n";
    const { code } = translate({ source, filename: '/a.ts', async: true, ts: true });
    assert.match(code.split('\n')[6] ?? '', /const d = /);
    assert.match(code, /await jitiImport\('a'\)/);
  });

  it('has its own lines and columns in a stack trace, whatever translates it', async (t) => {
    const body = [
      "import { a as nine } from './a.ts'; // and its column, after what is longer in the translation",
      '',
      'interface Gone { x: string }',
      'export const fail = (what: string, more?: Gone): never => { const n: number = nine; throw new Error(what + n + String(more)); };',
      "export default (): unknown => fail('late');",
    ].join('\n');
    const files = {
      'a.ts': 'export const a: number = 9;',
      'quick.ts': body,
      // Not for sucrase.
      'slow.ts': `${body} // import('x')`,
      'first.ts':
        'type A = string; const a: A | undefined = undefined; export default (): number => (a as unknown as A).length;',
    };
    const cwd = folder(t, files);
    for (const [name, line, at] of [
      ['quick.ts', 4, 'new Error'],
      ['slow.ts', 4, 'new Error'],
      ['first.ts', 1, 'length'],
    ] as const) {
      const exported = (await modules.import(join(cwd, name)))['default'] as () => unknown;
      const error = await Promise.resolve()
        .then(exported)
        .then(
          () => assert.fail('it does not throw'),
          (thrown: unknown) => thrown,
        );
      assert.ok(error instanceof Error);
      const column = (files[name].split('\n')[line - 1] ?? '').indexOf(at) + 1;
      const [first = ''] = (error.stack ?? '').split('\n').slice(1);
      assert.match(first, new RegExp(`/${name}:${line}:${column}\\)?$`), error.stack);
    }
  });
});
