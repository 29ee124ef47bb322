// Whose code an error comes from, by its stack.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { it } from 'node:test';
import { foreignPlace, placesOf } from '../../src/cli/stack.ts';

const OURS = fileURLToPath(new URL('../../src/cli/core.code.cjs', import.meta.url));

function withStack(...lines: readonly string[]): Error {
  return Object.assign(new Error('x'), { stack: ['Error: x', ...lines].join('\n') });
}

it('the places of a stack are those of code that was interrupted, in files of every name', () => {
  const places = placesOf(
    withStack(
      '    at tick (/lab (old)/my plugin.ts:3:7)',
      '    at async file:///lab/b%20c.mjs:1:2',
      '    at Object.<anonymous> (C:\\lab\\d.js:4:5)',
      '    at new Promise (<anonymous>)',
      `    at Runner.start (${OURS}:5:6)`,
      '    at listOnTimeout (node:internal/timers:573:17)',
    ),
  );
  assert.deepEqual(
    places?.map(({ text, isOurs }) => [text, isOurs]),
    [
      ['/lab (old)/my plugin.ts:3:7', false],
      ['/lab/b c.mjs:1:2', false],
      ['C:\\lab\\d.js:4:5', false],
      [`${OURS}:5:6`, true],
    ],
  );
  assert.equal(foreignPlace(withStack(`    at a (${OURS}:1:1)`, '    at /lab/p.js:1:1'))?.file, '/lab/p.js');
});

it('a library that reads what others have written is not the place of their mistake', () => {
  const jiti = '    at load (/lab/node_modules/jiti/dist/jiti.cjs:1:176713)';
  const ajv = '    at Object.checkStrictMode (/lab/node_modules/ajv/dist/compile/util.js:174:15)';
  const ours = `    at check (${OURS}:1:1)`;
  assert.equal(foreignPlace(withStack(ajv, jiti, ours)), undefined);
  assert.equal(foreignPlace(withStack(ajv, '    at /lab/p.ts:2:3', jiti, ours))?.text, '/lab/p.ts:2:3');
  const other = '/lab/node_modules/coda-plugin-ajv/index.js';
  assert.equal(foreignPlace(withStack(jiti, `    at apply (${other}:1:1)`, ours))?.file, other);
});

it('a listener of a signal that throws has not interrupted who fired the signal', () => {
  const places = placesOf(
    withStack(
      '    at onAbort (/lab/p.js:1:1)',
      '    at [nodejs.internal.kHybridDispatch] (node:internal/event_target:827:20)',
      `    at Run.stop (${OURS}:5:6)`,
    ),
  );
  assert.deepEqual(
    places?.map(({ file }) => file),
    ['/lab/p.js'],
  );
});

it('a stack may have URLs that are no files, and a message that looks like a stack', () => {
  const urls = ['file://server/x.js', 'file:///a%2Fb.js', 'file:///%zz.js'];
  const places = placesOf(withStack(...urls.map((url) => `    at ${url}:1:2`)));
  assert.deepEqual(
    places?.map(({ file, isOurs }) => [file, isOurs]),
    urls.map((url) => [url, false]),
  );
  const message = `the worker failed: Error: x\n    at a (${OURS}:1:1)\n    at b (/lab/q.js:1:1)`;
  const files = placesOf(new Error(message))?.map(({ file }) => file) ?? [];
  assert.ok(files.length > 0);
  assert.ok(!files.includes(OURS) && !files.includes('/lab/q.js'), files.join(' '));
});

it('what is no error, or has no stack, has no places', () => {
  assert.equal(placesOf('text'), undefined);
  assert.equal(placesOf(Object.assign(new Error('x'), { stack: undefined })), undefined);
  assert.deepEqual(placesOf(withStack()), []);
});
