// Every form of config file as `coda` itself reads it, and plugins of a config file in a node that runs.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { CONFIG_FILES } from '../../src/config/config-file.ts';
import { bell, startLocalCloud, type LocalCloud } from '../../src/testing/index.ts';
import { coda, type CodaProcess } from './process.ts';

const BODY = "{ concurrency: 3, plugins: [['heartbeat', { intervalSec: 7 }], ['batching', { size: 4 }]] }";
const JSON_BODY =
  '{ "concurrency": 3, "plugins": [["heartbeat", { "intervalSec": 7 }], ["batching", { "size": 4 }]] }';
const YAML_BODY =
  'concurrency: 3\nplugins:\n  - [heartbeat, { intervalSec: 7 }]\n  - - batching\n    - size: 4\n';
const IMPORTING = `import { defineConfig } from 'coda-node';\nexport default defineConfig(${BODY});\n`;

const FORMS: Readonly<Record<string, string>> = {
  'coda.config.ts': `const concurrency: number = 3;\n${IMPORTING.replace('concurrency: 3', 'concurrency')}`,
  'coda.config.mts': IMPORTING,
  'coda.config.js': IMPORTING,
  'coda.config.mjs': IMPORTING,
  'coda.config.cjs': `const { defineConfig } = require('coda-node');\nmodule.exports = defineConfig(${BODY});\n`,
  'coda.config.json': JSON_BODY,
  'coda.config.yaml': YAML_BODY,
  'coda.config.yml': YAML_BODY,
  'package.json': `{ "name": "lab", "private": true, "coda": ${JSON_BODY} }`,
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coda-forms-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), text);
}

describe('coda config', () => {
  it('knows all forms', () => {
    assert.deepEqual(Object.keys(FORMS).toSorted(), [...CONFIG_FILES].toSorted());
  });

  for (const [name, text] of Object.entries(FORMS)) {
    it(`reads ${name}`, async () => {
      await put(name, text);
      const { ended, output } = coda(['config', '--json'], { cwd: folder });
      assert.equal(await ended, 0, output());
      const { configFile, settings } = JSON.parse(output()) as {
        configFile: string;
        settings: { name: string; value: unknown; source: string }[];
      };
      assert.ok(configFile.endsWith(`/${name}`));
      const fromFile = settings.filter(({ source }) => source === 'config file');
      assert.deepEqual(Object.fromEntries(fromFile.map((setting) => [setting.name, setting.value])), {
        concurrency: 3,
        heartbeatIntervalSec: 7,
        batchSize: 4,
      });
    });
  }
});

describe('plugins of a config file', () => {
  let cloud: LocalCloud;
  let node: CodaProcess | undefined;
  before(async () => {
    cloud = await startLocalCloud();
  });
  after(async () => {
    await cloud.close();
  });
  afterEach(() => void node?.child.kill('SIGKILL'));

  function start(): CodaProcess {
    node = coda(['start', '-H', '127.0.0.1', '-p', '0', '-t', cloud.issueToken()], {
      cwd: folder,
      env: { CODA_WEBAPP_URL: cloud.url },
    });
    return node;
  }

  it('run, from a path and from a package, with their options; a built-in that is switched off does not', async () => {
    await put(
      'coda.config.ts',
      `import { defineConfig } from 'coda-node';
       export default defineConfig({
         plugins: [
           ['heartbeat', false],
           './plugins/own.ts',
           ['./plugins/own.ts', { says: 'second' }, 'own-2'],
           ['lab-plugin', { greeting: 'grüezi' }],
         ],
       });`,
    );
    await put(
      'plugins/own.ts',
      `import { definePlugin } from 'coda-node';
       export default definePlugin({
         name: 'own',
         options: { type: 'object', properties: { says: { type: 'string', default: 'own plugin' } } },
         apply(node, { says }) {
           node.hooks.onJob.tap('own', (job): void => node.log.info(\`\${says} sees \${job.shots} shots\`));
         },
       });`,
    );
    await put(
      'node_modules/lab-plugin/package.json',
      '{ "name": "lab-plugin", "type": "module", "exports": "./main.js" }',
    );
    await put(
      'node_modules/lab-plugin/main.js',
      `export default ({ greeting }) => ({
         name: 'lab',
         apply: (node) => node.hooks.start.tap('lab', () => node.log.info('lab says ' + greeting)),
       });`,
    );
    const { says, child, ended } = start();
    await says('lab says grüezi');
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 17 });
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
    await says('own plugin sees 17 shots');
    await says('second sees 17 shots');
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    assert.equal(cloud.heartbeats.length, 0);
  });

  it('with a wrong option end the start before anything is asked of the cloud, by path and allowed values', async () => {
    await put(
      'coda.config.json',
      '{ "plugins": [["heartbeat", { "intervalSec": "soon", "intervall": 3 }]] }',
    );
    const connects = cloud.connects.length;
    const { ended, output } = start();
    assert.equal(await ended, 1);
    assert.match(output(), /ConfigError/);
    assert.match(output(), /plugins\.heartbeat\.intervalSec in .* is "soon", but must be a number/);
    assert.match(output(), /intervall.*did you mean "intervalSec"/);
    assert.doesNotMatch(output(), /\n\s+at /);
    assert.equal(cloud.connects.length, connects);
  });

  it('of their own with a wrong option end the start, too', async () => {
    await put('coda.config.json', '{ "plugins": [["./own.cjs", { "mn": 5, "min": "soon" }]] }');
    await put(
      'own.cjs',
      `const { definePlugin } = require('coda-node');
       exports.plugin = definePlugin({
         name: 'own',
         options: { type: 'object', properties: { min: { type: 'integer', minimum: 1 } } },
         apply() {},
       });`,
    );
    const connects = cloud.connects.length;
    const { ended, output } = start();
    assert.equal(await ended, 1);
    assert.match(output(), /ConfigError/);
    assert.match(output(), /plugins\[0\]\.mn in .*json \(plugin 'own'\) is unknown; did you mean "min"\?/);
    assert.match(output(), /plugins\[0\]\.min in .* is "soon", but must be a whole number, 1 or more/);
    assert.doesNotMatch(output(), /\n\s+at /);
    assert.equal(cloud.connects.length, connects);
  });
});
