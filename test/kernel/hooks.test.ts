// The table of the hooks agrees with itself and with the types that it stands for.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import { HOOKS, type HookSpec } from '../../src/hooks.ts';

const specs: Readonly<Record<string, HookSpec>> = HOOKS;

describe('the table of the hooks', () => {
  // Inside the project, so that its packages and its compiler settings apply.
  const folder = mkdtempSync(join(resolve('dist'), 'hooks-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('names neighbours that exist, each of which names the hook in turn', () => {
    for (const [name, { previous, next }] of Object.entries(specs)) {
      if (previous !== undefined) assert.equal(specs[previous]?.next, name, `before ${name}`);
      if (next !== undefined) assert.equal(specs[next]?.previous, name, `after ${name}`);
    }
  });

  it('describes the arguments as they are typed', () => {
    const taps = Object.entries(specs).map(
      ([name, { args }]) => `node.hooks.${name}.tap('test', (${args.join(', ')}) => undefined);`,
    );
    const code = `import type { Router } from '@koa/router';
import type { CodaNode, Cancellation, ConnectRequest, Job, Outcome, WebhookRequest } from '${resolve('src/index.ts')}';
import type { Batch, ReadinessReport, SavedOutcome, Session } from '${resolve('src/kit.ts')}';
declare const node: CodaNode;
${taps.join('\n')}
`;
    writeFileSync(join(folder, 'taps.ts'), code);
    const options = {
      noEmit: true,
      noUnusedParameters: false,
      rootDir: '/',
      allowImportingTsExtensions: true,
      outDir: folder,
    };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: resolve('tsconfig.json'),
        compilerOptions: { ...options, rewriteRelativeImportExtensions: false },
        include: ['taps.ts'],
        exclude: [],
      }),
    );
    const tsc = resolve('node_modules', 'typescript', 'bin', 'tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout);
  });
});
