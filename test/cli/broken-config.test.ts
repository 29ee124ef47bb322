// The operator's commands load no code: a config file that is broken, throws, waits for ever or ends the process takes
// no tool away from a running node, and neither does a wrong variable.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bench, cloud } from './workbench.ts';

const BROKEN = 'export default { oops';
const HARMFUL = {
  'has a syntax error': BROKEN,
  throws: "throw new Error('no licence'); export default {};",
  'ends the process': 'process.exit(0); export default {};',
  'waits for ever': 'await new Promise((resolve) => setTimeout(resolve, 600_000)); export default {};',
};
/** No variable names the state directory. */
const UNNAMED = { CODA_STATE_DIR: '' };

function write(name: string, text: string): void {
  writeFileSync(join(bench.folder, name), text);
}

describe('beside a config file that', () => {
  for (const [what, code] of Object.entries(HARMFUL)) {
    it(`${what}, all tools work on the running node, and do not run it`, async () => {
      write('coda.config.mjs', "export default { executor: 'simulator', stateDir: './state' };");
      await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
      const proof = join(bench.folder, 'ran');
      write(
        'coda.config.mjs',
        `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(proof)}, '');\n// stateDir: '/var/lib/other',\nconst config = { stateDir: './state' };\n${code}`,
      );
      const wrong = { ...UNNAMED, CODA_PREFETCH: '1O' };
      for (const args of [['status'], ['logs'], ['pause'], ['resume'], ['results', 'list']]) {
        assert.match(
          await bench.ends(0, args, wrong),
          /^warning: CODA_PREFETCH is "1O".*; continuing without it$/m,
        );
      }
      assert.match(await bench.ends(1, ['stop-vpn'], wrong), /no OpenVPN of a node runs/);
      assert.match(await bench.ends(0, ['stop'], wrong), /stopped PID/);
      assert.equal(existsSync(proof), false);
      assert.match(await bench.ends(0, ['reset'], wrong), /removed/);
      assert.equal(existsSync(join(bench.stateDir, 'coda.config')), false);
      assert.equal(existsSync(proof), false);
    });
  }

  it('is in JSON or YAML, the state directory in it is used as it is read there', async () => {
    for (const [name, text] of [
      ['coda.config.json', '{ "webappUrl": "http://127.0.0.1:1", "stateDir": "state" }'],
      ['coda.config.json', '{ "stateDir": "state", "port": 80a }'],
      ['coda.config.yaml', 'base: &b { stateDir: state } # ours\n<<: *b\n'],
      ['coda.config.yaml', 'stateDir: state # ours\nport: 80a\n  b: [\n'],
      ['package.json', '{ "stateDir": "/other", "coda": { "stateDir": "state" } }'],
      ['coda.config.ts', "export default { webappUrl: 'http://a.example', stateDir: './state' };"],
      ['coda.config.mjs', "export default { stateDir: `state`, port: 'x' } // stateDir: '/other'"],
    ] as const) {
      write(name, text);
      assert.match(
        await bench.ends(1, ['stop'], UNNAMED),
        new RegExp(`no node runs with .*${bench.stateDir}$`, 'm'),
        text,
      );
      rmSync(join(bench.folder, name));
    }
  });

  it('only reads the state directory, or sets none, the default one is meant', async () => {
    for (const text of [BROKEN, 'export default { executor: (settings) => make(settings.stateDir) };']) {
      write('coda.config.mjs', text);
      const said = await bench.ends(1, ['stop'], UNNAMED);
      assert.match(said, new RegExp(`no node runs with the state directory ${bench.folder}$`, 'm'));
    }
  });
});

describe('a state directory that the config file computes', () => {
  const COMPUTED = `import { join } from 'node:path';\nexport default { executor: 'simulator', stateDir: join(import.meta.dirname, 'state') };`;

  it('is not guessed: the commands touch no other, and say how to name it', async () => {
    write('coda.config.mjs', COMPUTED);
    for (const args of [['stop'], ['status'], ['reset', '--yes'], ['logs'], ['pause']]) {
      const said = await bench.ends(1, args, UNNAMED);
      assert.match(said, /not there in plain text[^]*CODA_STATE_DIR=/);
    }
    rmSync(join(bench.folder, 'coda.config.mjs'));
    write('coda.config.yml', "stateDir: 'a'\n");
    write('coda.config.json', '{ "stateDir": "b" }');
    assert.match(await bench.ends(1, ['reset'], UNNAMED), /or there are several/);
  });

  it('is named by the start, since the commands need it', async () => {
    write('coda.config.mjs', COMPUTED);
    assert.match(await bench.ends(0, ['config'], UNNAMED), new RegExp(`CODA_STATE_DIR=${bench.stateDir}`));
    assert.doesNotMatch(await bench.ends(0, ['config']), /plain text/);
  });
});

describe('a command that runs the config file', () => {
  it('says who ended the process, and exits with an error', async () => {
    write('coda.config.mjs', '\nprocess.exit(0);\nexport default {};');
    for (const args of [['start'], ['start', '-d'], ['doctor'], ['config']]) {
      const said = await bench.ends(1, args);
      assert.match(
        said,
        /coda: process\.exit\(0\) was called while the config file was loaded, .*coda\.config\.mjs:2/,
      );
    }
  });

  it('says that the file waits for something that never comes', async () => {
    write('coda.config.mjs', 'await new Promise(() => {});\nexport default {};');
    for (const args of [['start'], ['config']]) {
      assert.match(
        await bench.ends(1, args),
        /the config file, or a plugin in it, waits for something that never comes/,
      );
    }
  });
});

describe('the commands of a running node', () => {
  it('still refuse a wrong option, and a wrong variable for the state directory', async () => {
    assert.match(await bench.ends(1, ['reset', '--config', 'no.ts'], UNNAMED), /no\.ts does not exist/);
    mkdirSync(join(bench.folder, 'dir.ts'));
    assert.match(await bench.ends(1, ['reset', '--config', 'dir.ts'], UNNAMED), /is not a file/);
    assert.match(
      await bench.ends(1, ['stop'], { CODA_STATE_DIR: "'state'" }),
      /CODA_STATE_DIR has quotes around it/,
    );
  });
});
