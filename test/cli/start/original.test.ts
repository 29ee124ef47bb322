// The daemon of the Python original in the same state directory: it is seen, stopped, and never run beside.
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { isOriginal } from '../../../src/cli/local-node/original.ts';
import { hasEnded } from '../operator.ts';
import { bench, cloud } from '../workbench.ts';

const skip = spawnSync('python3', ['-c', '']).status !== 0 && 'python3 is not installed';

/** What the original shows of itself: its command line, `/ready`, and how it ends. */
const UVICORN = `
import json, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({'ready': True, 'current_job': 'job-of-python'}).encode())
    def log_message(self, *args):
        pass
signal.signal(signal.SIGTERM, signal.SIG_IGN if '--stubborn' in sys.argv else lambda *_: sys.exit(0))
server = HTTPServer(('127.0.0.1', int(sys.argv[2])), Ready)
print('ready', flush=True)
server.serve_forever()
`;

describe('the daemon of the Python original', { skip }, () => {
  let original: ChildProcess | undefined;
  let port = '';
  afterEach(() => original?.kill('SIGKILL'));

  const path = (name: string): string => join(bench.stateDir, name);

  async function startOriginal(...args: readonly string[]): Promise<number> {
    port = await freePort();
    mkdirSync(bench.stateDir);
    mkdirSync(join(bench.folder, 'uvicorn'));
    writeFileSync(join(bench.folder, 'uvicorn', '__main__.py'), UVICORN);
    original = spawn('python3', ['-m', 'uvicorn', 'coda_node.server.app:app', port, ...args], {
      cwd: bench.folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    assert.ok(original.stdout !== null);
    await once(original.stdout, 'data');
    const { pid = 0 } = original;
    writeFileSync(path('coda-node.pid'), `${pid}\n`);
    return pid;
  }

  it('is seen by status, and stopped by stop', async () => {
    const pid = await startOriginal();
    const said = await bench.ends(0, ['status'], { CODA_PORT: port });
    assert.match(said, new RegExp(`running, PID ${pid}, daemon, the Python coda-node`));
    assert.match(said, /job +job-of-python/);
    assert.match(await bench.ends(1, ['pause']), /the Python coda-node .* cannot be paused/);
    assert.match(await bench.ends(0, ['stop']), new RegExp(`stopped PID ${pid}`));
    assert.equal(hasEnded(pid), true);
    assert.equal(existsSync(path('coda-node.pid')), false);
  });

  it('is killed by stop if it does not end', async () => {
    const pid = await startOriginal('--stubborn');
    assert.match(await bench.ends(0, ['stop', '--timeout', '1']), new RegExp(`killed PID ${pid}`));
    assert.match(await bench.ends(1, ['status']), /stopped/);
  });

  it('is not run beside, and costs no token', async () => {
    const pid = await startOriginal();
    const token = cloud.issueToken();
    for (const args of [['start'], ['start', '-d']]) {
      const said = await bench.ends(1, args, { CODA_NODE_TOKEN: token });
      assert.match(said, new RegExp(`the Python coda-node \\(PID ${pid}\\) runs.*\n.*coda stop`));
    }
    assert.equal(hasEnded(pid), false);
    await bench.ends(0, ['stop']);
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: token });
    assert.equal(
      readFileSync(path('coda-node.pid'), 'utf8'),
      `${bench.pid}\n`,
      'the original reads one line',
    );
  });

  it('is stopped by reset before anything is removed', async () => {
    const pid = await startOriginal();
    writeFileSync(path('coda.config'), '{}', { mode: 0o600 });
    assert.match(await bench.ends(0, ['reset']), new RegExp(`stopped PID ${pid}`));
    assert.equal(hasEnded(pid), true);
    assert.equal(existsSync(path('coda.config')), false);
  });
});

describe('a command line', () => {
  for (const [is, line] of [
    [true, '/usr/bin/python3 -m uvicorn coda_node.server.app:app --host 0.0.0.0 --port 8080'],
    [true, '/opt/venv/bin/python3.12 /opt/venv/bin/uvicorn coda_node.server.app:app'],
    [true, 'python -m coda_node start'],
    [true, '/opt/venv/bin/python /opt/venv/bin/coda start --daemon'],
    [false, 'python -m uvicorn other.app:app'],
    [false, 'vim coda_node.py'],
    [false, 'python -m my_coda_node'],
    [false, 'coda-node'],
    [false, ''],
  ] as const) {
    it(`is ${is ? '' : 'not '}the original's: ${line}`, () => assert.equal(isOriginal(line), is));
  }
});

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return String(typeof address === 'object' ? address?.port : 0);
}
