// Secrets of every kind are planted wherever a plugin or a driver can put one: none of them is in the log of a real node,
// in text or in JSON, nor in what the commands show.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bell, waitUntil } from '../../src/testing/index.ts';
import { NO_PYTHON, PYTHON } from '../plugins/python/drivers.ts';
import { bench, cloud } from '../cli/workbench.ts';

const PLUGIN = `
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';

const key = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;

const leaky = {
  name: 'leaky',
  options: { type: 'object', properties: { pin: { type: 'string', writeOnly: true } } },
  apply(node, { pin }) {
    let secrets = [];
    node.hooks.start.tapPromise('leaky', async () => {
      const jwt = await node.session.signer.token();
      const redis = node.session.redisUrl;
      const pageToken = 'planted-page-token';
      node.log.mask(pageToken);
      secrets = [
        node.settings.nodeToken,
        readFileSync(node.settings.stateDir + '/coda-private-key', 'utf8'),
        new URL(redis).password,
        redis,
        node.settings.nodeConnectHeaders['x-lab-gate'],
        new URL(node.env.HTTP_PROXY).password,
        node.env.HTTP_PROXY,
        pin,
        jwt,
        '# own key\\n' + key,
        pageToken,
      ];
      writeFileSync(new URL('./secrets.json', import.meta.url), JSON.stringify(secrets));
      for (const secret of secrets) plant(secret);
      for (const value of [node.settings, node.env, node.session, await node.state]) {
        node.log.info('all', { value });
        node.log.info(inspect(value, { depth: 5 }));
        console.log(value);
      }
    });
    node.hooks.afterRun.tap('leaky', () => {
      throw new Error('it failed: ' + secrets.join(' '), { cause: new Error(secrets.join(' ')) });
    });
    function plant(secret) {
      const escaped = JSON.stringify(secret);
      const coded = [Buffer.from(secret).toString('base64'), encodeURIComponent(secret)];
      const forms = [secret, escaped, JSON.stringify(escaped), ...(secret.includes('# own key') ? [] : coded)];
      for (const form of forms) {
        node.log.info(form);
        node.log.debug('x'.repeat(65500) + form);
        node.log.warn('field', { value: form, nested: [{ deep: { form } }], [form]: 1 });
        node.log.error('error', { error: new Error(form, { cause: new Error(form) }) });
        node.log.child(form).info('scope');
        node.log.child('inner', { bound: form }).info('bound');
        for (const line of form.split('\\n')) node.log.info(line);
        console.log(form);
        console.error({ form });
        process.stdout.write(Buffer.from(form + '\\n'));
      }
      node.log.info('Authorization: Bearer ' + secret);
      node.log.info('headers', { authorization: 'Basic ' + Buffer.from('lab:' + secret).toString('base64'), password: secret });
      setTimeout(() => { throw new Error('uncaught ' + secret); });
      Promise.reject(new Error('rejected ' + secret));
    }
  },
};
export default { plugins: [[leaky, { pin: 'planted-option-pin' }]] };
`;

const DRIVER = `
import base64, json, logging, os, sys, urllib.parse
from coda_node.server.executor import ExecutionResult

class Rig:
    async def run(self, ir, shots):
        here = os.path.dirname(os.path.abspath(__file__))
        for secret in json.load(open(os.path.join(here, "secrets.json"))):
            print(secret, flush=True)
            print(repr(secret), file=sys.stderr, flush=True)
            print(json.dumps({"form": secret}), flush=True)
            if "# own key" not in secret:
                print(base64.b64encode(secret.encode()).decode(), flush=True)
                print(urllib.parse.quote(secret, safe=""), flush=True)
            print("x" * 1990 + secret, flush=True)
            logging.warning("form %s", secret)
        raise ValueError("failed with " + " ".join(json.load(open(os.path.join(here, "secrets.json")))))

def create_executor():
    return Rig()
`;

/** In front of a key that the node does not know. */
const OWN_KEY = '# own key';

/** What must not be seen of a secret: it, its lines, its beginning, and the other forms of one that the node knows. */
function formsOf(secret: string): string[] {
  if (secret.includes('://')) return [secret];
  // The first part of a JWT is the same for all.
  if (secret.startsWith('eyJ')) return [secret, ...secret.split('.').slice(1)];
  const lines = secret.split('\n').filter((line) => line.length >= 20 && !line.startsWith('-----'));
  const whole = [secret, secret.includes('-----') ? [] : secret.slice(0, 24), lines].flat();
  if (secret.includes(OWN_KEY)) return whole;
  return [...whole, Buffer.from(secret).toString('base64').slice(0, -4), encodeURIComponent(secret)];
}

describe('secrets that are planted everywhere', { skip: NO_PYTHON }, () => {
  for (const format of ['text', 'json']) {
    it(`are in no log in ${format}`, async () => {
      writeFileSync(join(bench.folder, 'coda.config.mjs'), PLUGIN);
      writeFileSync(join(bench.folder, 'rig.py'), DRIVER);
      const started = await bench.ends(0, ['start', '-d'], {
        CODA_NODE_TOKEN: cloud.issueToken(),
        CODA_LOG_LEVEL: 'debug',
        CODA_LOG_FORMAT: format,
        CODA_NODE_CONNECT_HEADERS: '{"x-lab-gate":"planted-header-value"}',
        CODA_EXECUTOR_FACTORY: 'rig:create_executor',
        CODA_PYTHON: PYTHON ?? '',
        HTTP_PROXY: 'http://lab:planted%2Fproxy-word@127.0.0.1:9',
      });
      const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 6 });
      await cloud.outcome(jobId);
      await waitUntil('the failure', () => bench.log.includes(`job ${jobId} failed`));
      await waitUntil('what the driver printed', () => bench.log.includes('python.driver'));
      const logs = readdirSync(bench.stateDir)
        .filter((name) => name.startsWith('coda-node.log'))
        .map((name) => readFileSync(join(bench.stateDir, name), 'utf8'));
      const shown = [started];
      for (const args of [['status'], ['status', '--json'], ['logs', '--job', jobId], ['stop']]) {
        shown.push((await bench.run(args)).output);
      }
      const secrets = JSON.parse(readFileSync(join(bench.folder, 'secrets.json'), 'utf8')) as string[];
      assert.equal(secrets.length, 11);
      const text = logs.join('\n');
      assert.ok(text.split('***').length > 500);
      for (const secret of secrets) {
        assert.ok(secret.length >= 12, secret);
        for (const form of formsOf(secret)) {
          const at = text.indexOf(form);
          assert.ok(at < 0, `in the log: ${text.slice(Math.max(0, at - 300), at + form.length + 100)}`);
        }
      }
      // What others are shown besides the log.
      for (const [index, output] of shown.entries()) {
        for (const secret of secrets) assert.ok(!output.includes(secret), `${secret} in the output ${index}`);
      }
    });
  }
});
