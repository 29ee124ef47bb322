// A config file that is broken, waits for ever or is there twice takes no tool away from a running node.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bench, cloud } from './workbench.ts';

const BROKEN = 'export default { oops';
/** No variable names the state directory. */
const UNNAMED = { CODA_STATE_DIR: '' };

function write(name: string, text: string): void {
  writeFileSync(join(bench.folder, name), text);
}

describe('beside a broken config file', () => {
  it('all tools work on the running node, without reading the file if a variable names its directory', async () => {
    write('coda.config.ts', "export default { executor: 'simulator' };");
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    write('coda.config.ts', BROKEN);
    for (const args of [['logs'], ['pause', '--reason', 'x'], ['resume'], ['results', 'list']]) {
      assert.doesNotMatch(await bench.ends(0, args), /warning|oops/);
    }
    const warning = new RegExp(
      `^warning: .*coda\\.config\\.ts.*; continuing without it, state directory ${bench.stateDir}$`,
      'm',
    );
    assert.match(await bench.ends(0, ['status']), warning);
    assert.match(await bench.ends(1, ['stop-vpn']), warning);
    assert.match(await bench.ends(1, ['start']), /coda\.config\.ts/);
    assert.match(await bench.ends(0, ['stop']), /stopped PID/);
    assert.match(await bench.ends(0, ['reset']), warning);
    assert.equal(existsSync(join(bench.stateDir, 'coda.config')), false);
  });

  it('the state directory that the file states in plain text is used', async () => {
    for (const [name, text] of [
      [
        'coda.config.ts',
        "import { x } from './gone.ts';\n// stateDir: '/var/lib/other',\nexport default { stateDir: './state', executor: x };",
      ],
      ['coda.config.json', '{ "stateDir": "state", "port": 80a }'],
      ['coda.config.yaml', 'stateDir: state # ours\nport: 80a\n'],
      ['coda.config.mjs', "export default { stateDir: `state`, port: 'x' }"],
    ] as const) {
      write(name, text);
      assert.match(
        await bench.ends(1, ['stop'], UNNAMED),
        new RegExp(`no node runs with .*${bench.stateDir}$`, 'm'),
        name,
      );
      rmSync(join(bench.folder, name));
    }
  });

  it('no other directory is touched if the file states it in another way', async () => {
    write(
      'coda.config.ts',
      "import { join } from 'node:path';\nexport default { oops, stateDir: join('a', 'b') };",
    );
    for (const args of [['stop'], ['status'], ['reset', '--yes'], ['logs'], ['pause']]) {
      const said = await bench.ends(1, args, UNNAMED);
      assert.match(said, /sets the state directory in a way that cannot be read\n.*CODA_STATE_DIR=/);
    }
    rmSync(join(bench.folder, 'coda.config.ts'));
    write('coda.config.yml', "stateDir: 'a'\n");
    write('coda.config.json', '{ "stateDir": "b" }');
    assert.match(await bench.ends(1, ['reset'], UNNAMED), /there are 2 config files.*cannot be read/);
  });

  it('a file that sets none means the default directory, and one that waits is not waited for', async () => {
    for (const text of [
      BROKEN,
      'await new Promise((resolve) => setTimeout(resolve, 600_000)); export default {};',
    ]) {
      write('coda.config.mjs', text);
      const said = await bench.ends(1, ['status'], UNNAMED);
      assert.match(said, new RegExp(`warning: .*continuing without it, state directory ${bench.folder}\n`));
    }
  });

  it('a wrong option or variable is still refused', async () => {
    assert.match(await bench.ends(1, ['reset', '--config', 'no.ts'], UNNAMED), /no\.ts does not exist/);
    mkdirSync(join(bench.folder, 'dir.ts'));
    assert.match(await bench.ends(1, ['reset', '--config', 'dir.ts'], UNNAMED), /is not a file/);
    assert.match(await bench.ends(1, ['stop'], { CODA_PORT: '80a' }), /CODA_PORT/);
  });
});
