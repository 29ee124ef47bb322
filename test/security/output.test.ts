// Texts from outside that try to be a line of ours or a code of the terminal: in the log, on the terminal, in JSON, and
// in what systemd is sent.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createLogger } from '../../src/log.ts';
import { asLines, asMessage, onOneLine } from '../../src/printable.ts';
import type { Node } from '../../src/node.ts';
import { systemdOf } from '../../src/cli/start/systemd.ts';
import { bell, waitUntil } from '../../src/testing/index.ts';
import { bench, cloud } from '../cli/workbench.ts';
import { readOr } from '../cli/operator.ts';

/** What no line may have. */
const RAW = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|\p{Cs}/u;
const MARKS = '\u202egnp\u202c\u2066x\u2069\u200b\ufeff\u00ad';
const CODES = '\u001b[2J\u001b]0;title\u0007\u009b31m\u0000\u0085\u2028\u2029';

const hasScript = spawnSync('script', ['--version']).status === 0;

function isClean(output: string): void {
  for (const line of output.split('\n')) assert.doesNotMatch(line, RAW, JSON.stringify(line));
}

/** Any text, with many of the characters that matter. */
const hostile = fc.string({
  unit: fc.oneof(fc.constantFrom(...Array.from(MARKS + CODES), '\n', '\r', '\t', ' ', '\ud800'), fc.string()),
});

describe('the log', () => {
  it('has no line that began in a text from outside, and no character that a terminal obeys', () => {
    fc.assert(
      fc.property(
        hostile,
        hostile,
        hostile,
        fc.constantFrom('text', 'json'),
        (message, value, scope, format) => {
          const lines: string[] = [];
          const log = createLogger({ format, write: (line) => lines.push(line) });
          log.child(scope).info(message, { value, [`x${value}`]: [message], error: new Error(message) });
          const [first = '', ...continued] = (lines[0] ?? '').split('\n');
          isClean(first);
          assert.match(first, format === 'json' ? /^\{"level":"info","time":"20/ : /^20\S+Z INFO {2}/);
          for (const line of continued) {
            isClean(line);
            assert.match(line, /^ {2}/);
          }
          if (format === 'json') {
            const read = JSON.parse(first) as Record<string, unknown>;
            assert.equal(read['message'], message);
          }
        },
      ),
    );
  });

  it('takes values that JSON cannot show', () => {
    const circle: Record<string, unknown> = {};
    circle['circle'] = circle;
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    for (const format of ['text', 'json'] as const) {
      const lines: string[] = [];
      const log = createLogger({ format, write: (line) => lines.push(line) });
      log.warn('odd values', { circle, deep, big: 1n, undefined, kept: 'yes' });
      assert.match(lines.join(), /kept.{1,3}yes/);
    }
  });

  it('shows a message of several lines as one that continues', () => {
    assert.equal(asMessage('no key\n  → make one\n2026 INFO fine'), 'no key\n  → make one\\n2026 INFO fine');
    assert.equal(onOneLine('a\n  b'), 'a\\n  b');
    assert.equal(asLines('a\r\n\tb\u001b[1m'), 'a\n\tb\\u001b[1m');
  });
});

describe('a terminal', () => {
  it('gets the colours of the commands, and no others', { skip: !hasScript && 'no script here' }, () => {
    const main = fileURLToPath(new URL('../../bundle/coda.cjs', import.meta.url));
    const run = (command: string): string =>
      spawnSync('script', ['-qec', `${process.execPath} ${main} ${command}`, '/dev/null'], {
        cwd: bench.folder,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], TERM: 'xterm', CODA_STATE_DIR: bench.stateDir },
      }).stdout;
    assert.ok(run('status').includes('  \u001b[31mstopped\u001b[0m'));
    const shown = run(`"$(printf '\\033[32mgreen\\a')"`);
    assert.match(shown, /there is no command '\\u001b\[32mgreen\\u0007'/);
    isClean(shown.replaceAll('\r\n', '\n'));
  });
});

describe('a hostile neighbour', () => {
  it('who names jobs, and an executor that prints what it gets, reach neither terminal nor log raw', async () => {
    writeFileSync(
      join(bench.folder, 'coda.config.mjs'),
      `export default { executor: () => ({
        run: async (ir, shots, { jobId }) => {
          console.log('printed ' + jobId + ${JSON.stringify(CODES)});
          process.stderr.write(Buffer.from('bytes ' + jobId + '\\r\\n'));
          throw new Error('broken ' + jobId + ${JSON.stringify(CODES)} + '\\n2026-01-01T00:00:00.000Z INFO  forged');
        },
      }) };`,
    );
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken(), CODA_LOG_LEVEL: 'debug' });
    cloud.fail('webhook', { status: 410, body: { error: `gone ${MARKS}${CODES}` } });
    const jobId = await cloud.submit({ ir: bell('cz').ir, jobId: `job-${MARKS}` });
    await waitUntil('the refusal', () => bench.log.includes('printed') && bench.log.includes('gone'));
    cloud.heal();
    isClean(bench.log);
    assert.match(bench.log, /^printed job-\\u202egnp/m);
    assert.match(bench.log, /^bytes job-\\u202egnp/m);
    assert.doesNotMatch(bench.log, /^2026-01-01/m);
    // What a process of the executor writes gets into the file past the node.
    writeFileSync(
      join(bench.stateDir, 'coda-node.log'),
      `${readOr(join(bench.stateDir, 'coda-node.log'), '')}raw ${CODES}\n`,
    );
    for (const command of [
      ['logs'],
      ['status'],
      ['results', 'list'],
      ['results', 'show', jobId],
      ['doctor'],
    ]) {
      isClean((await bench.run(command)).output);
    }
    for (const command of [['status'], ['results', 'show', jobId]]) {
      const { output } = await bench.run([...command, '--json']);
      isClean(output);
      JSON.parse(output);
    }
    assert.ok((await bench.run(['results', 'show', jobId, '--json'])).output.includes('job-\\u202egnp'));
  });

  it('whose words are in an error that nobody catches is shown escaped, and the node continues', async () => {
    writeFileSync(
      join(bench.folder, 'coda.config.mjs'),
      `export default { executor: () => ({
        run: (ir, shots, { jobId }) => new Promise(() => {
          setTimeout(() => { throw new Error('uncaught ' + jobId + ${JSON.stringify(CODES)}); });
        }),
      }) };`,
    );
    const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken() });
    await node.says('serving QPU');
    const jobId = await cloud.submit({ ir: bell('cz').ir, jobId: `job-${MARKS}` });
    await node.says('that nobody caught');
    isClean(node.output());
    assert.match(node.output(), /^ {2}Error: uncaught job-\\u202egnp.*\n {6}at /m);
    const { output } = await bench.run(['status']);
    isClean(output);
    assert.match(
      output,
      /code outside the node \(.*coda\.config\.mjs:\d+:\d+\) threw an error that nobody caught/,
    );
    await cloud.cancel(jobId);
  });

  it('in place of Redis gets no code into the log or the status by its errors', async () => {
    const redis = createServer((socket) => {
      socket.on('error', () => {});
      // One answer a command: several may come at once.
      socket.on('data', (commands: Buffer) => {
        for (const _ of commands.toString('latin1').matchAll(/^\*\d+\r$/gm))
          socket.write(`-ERR ${MARKS}\u001b[2J\u0007\u009b\u2028broken\r\n`);
      });
    }).listen(0, '127.0.0.1');
    await once(redis, 'listening');
    const address = redis.address();
    assert.ok(typeof address === 'object' && address !== null);
    cloud.overrideBundle((bundle) => ({ ...bundle, redis_url: `redis://127.0.0.1:${address.port}` }));
    const node = bench.spawn(['start'], { CODA_NODE_TOKEN: cloud.issueToken() });
    try {
      await node.says('broken');
      isClean(node.output());
      await waitUntil('the status to show it', async () =>
        (await bench.run(['status'])).output.includes('broken'),
      );
      for (const output of bench.outputs) isClean(output);
    } finally {
      cloud.overrideBundle(undefined);
      node.child.kill('SIGKILL');
      await node.ended;
      redis.close();
    }
  });

  it('who names the QPU sends systemd no line of its own', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'coda-notify-'));
    try {
      writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\nprintf '%s\\n' "$@" >> ${folder}/sent\n`, {
        mode: 0o755,
      });
      const systemd = systemdOf({ PATH: `${folder}:${process.env['PATH']}`, NOTIFY_SOCKET: '/run/none' });
      // A stand-in, since the node takes no such name from the cloud.
      const node = {
        log: createLogger({ write: () => {} }),
        session: { qpuId: 'q1\nMAINPID=1\u2028\u001b[2J' },
        hooks: { drain: { tap: () => {} } },
      };
      systemd?.up(node as unknown as Node);
      await waitUntil('the message', () => readOr(join(folder, 'sent'), '').includes('STATUS'));
      assert.deepEqual(readFileSync(join(folder, 'sent'), 'utf8').trimEnd().split('\n'), [
        'READY=1',
        'STATUS=serving QPU q1\\nMAINPID=1\\u2028\\u001b[2J',
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
