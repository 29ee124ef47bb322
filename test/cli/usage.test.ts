// How the command line answers to wrong use, and what its read-only commands show.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { terminal } from '../../src/cli/terminal/output.ts';
import { coda, type CodaProcess } from './process.ts';

describe('coda', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coda-usage-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function ended(
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<CodaProcess & { code: number | null }> {
    const run = coda(args, { cwd: folder, env });
    return { ...run, code: await run.ended };
  }

  for (const [args, says] of [
    [[], 'Usage'],
    [['strat'], 'did you mean "start"?'],
    [['start', '--prot', '8080'], 'Unknown option `--prot`; did you mean "--port"?'],
    [['stop', '--timout', '5'], 'did you mean "--timeout"?'],
    [['status', '--xyzzy'], 'Unknown option `--xyzzy`'],
    [['--rest'], 'did you mean "--reset"?'],
    [['pause', 'now'], 'Unused args'],
    [['submit'], 'missing required args'],
    [['start', '-p', 'abc'], '--port'],
    [['stop', '--timeout', 'soon'], 'it must be a whole number from 0 to 2592000'],
    [['stop', '--timeout', '-5'], '--timeout is "-5"'],
    [['dev', '--target', 'cx'], 'it must be one of cz'],
    [['status', '--config', '--json'], 'a value that begins with a dash is written --config=<file>'],
    [['status', '--config', 'a', '-cb'], 'the option -c, --config <file> is given twice'],
    [['status', '--json=true'], '--json takes no value'],
    [['--reset', 'status'], '--reset stands alone'],
    [['status', '--reset'], '--reset stands alone'],
    [['run', 'a', '--no-compil'], 'did you mean "--no-compile"?'],
    [['run', 'a', '--no-compile=1'], '--no-compile takes no value'],
    [['cancel', '-5'], 'Unknown option `-5`; write -- before operands that begin with a dash'],
    [['logs', '-fx'], 'Unknown option `-x`'],
    [['--xyzzy', 'status'], 'Unknown option `--xyzzy`'],
  ] as const) {
    it(`exits 2 for ${JSON.stringify(args)}`, async () => {
      const { code, output } = await ended(args);
      assert.ok(output().includes(says), output());
      assert.doesNotMatch(output(), /^ +at /m);
      assert.equal(code, 2);
    });
  }

  it('takes every value as it was typed, and operands behind --', async () => {
    const says = async (args: readonly string[], code: number, text: string): Promise<void> => {
      const run = await ended(args, { CODA_STATE_DIR: join(folder, 'none') });
      assert.ok(run.output().includes(text), `${args.join(' ')}: ${run.output()}`);
      assert.equal(run.code, code, run.output());
    };
    await says(['config', '-c', '007'], 1, `${join(folder, '007')} does not exist`);
    await says(['config', '-c007'], 1, `${join(folder, '007')} does not exist`);
    await says(['config', '-c=007'], 1, `${join(folder, '007')} does not exist`);
    await says(['config', '--config=1e3'], 1, `${join(folder, '1e3')} does not exist`);
    await says(['start', '-dp9000', '-c', 'no.json'], 1, `${join(folder, 'no.json')} does not exist`);
    await says(['run', '--shots=5', '--', '-f.json'], 1, 'cannot be read from -f.json');
    await says(['run', '--', 'f.json'], 1, 'cannot be read from f.json');
    await says(['--', 'run', 'f.json'], 1, 'cannot be read from f.json');
    await says(['logs', '-n200'], 1, 'there is no log');
    await says(['cancel', '--', '-5'], 1, 'no dev session is running');
    await says(['results', 'show', '--', '-5e20000'], 1, "no result of job '-5e20000'");
    await says(['results', 'show', '0012345'], 1, "no result of job '0012345'");
    await says(['--reset', '--json', '-y'], 0, '"removed": []');
    for (const args of [['start', '--version'], ['-v']]) await says(args, 0, 'coda/');
  });

  it('explains every command with an example', async () => {
    const { output } = await ended(['--help']);
    const commands = [...output().matchAll(/^ {2}(\w[\w-]*)(?: <\w+>)? {2,}/gm)].map(([, name = '']) => name);
    assert.ok(commands.length >= 15, output());
    await Promise.all(
      commands.map(async (command) => {
        const help = await ended([command, '--help']);
        assert.equal(help.code, 0);
        assert.match(
          help.output(),
          new RegExp(`Examples:\\s+(sudo |CODA_\\w+=\\S+ )?coda ${command}`),
          command,
        );
      }),
    );
  });

  it('colours nothing that is no terminal, and nothing at all with NO_COLOR', async () => {
    for (const args of [['status'], ['doctor'], ['config']]) {
      assert.equal((await ended(args)).output().includes('\u001b'), false);
    }
    const stream = Object.assign(Object.create(process.stdout) as NodeJS.WriteStream, { isTTY: true });
    const given = process.env['NO_COLOR'];
    try {
      delete process.env['NO_COLOR'];
      assert.equal(terminal(stream).colour, true);
      process.env['NO_COLOR'] = '1';
      assert.equal(terminal(stream).colour, false);
    } finally {
      if (given === undefined) delete process.env['NO_COLOR'];
      else process.env['NO_COLOR'] = given;
    }
  });

  it('shows the effective settings and their sources, secrets masked', async () => {
    await writeFile(
      join(folder, 'coda.config.json'),
      JSON.stringify({
        concurrency: 4,
        plugins: [['heartbeat', { intervalSec: 7 }]],
        redisUrl: 'redis://u:planted-secret@r',
      }),
    );
    const { code, output } = await ended(['config', '--json'], {
      CODA_PORT: '9123',
      CODA_NODE_TOKEN: 'planted-token',
    });
    assert.equal(code, 0);
    const { settings } = JSON.parse(output()) as {
      settings: { name: string; value: unknown; source: string }[];
    };
    const shown = (name: string): unknown[] => {
      const row = settings.find((setting) => setting.name === name);
      return [row?.value, row?.source];
    };
    assert.deepEqual(shown('port'), [9123, 'environment']);
    assert.deepEqual(shown('concurrency'), [4, 'config file']);
    assert.deepEqual(shown('heartbeatIntervalSec'), [7, 'config file']);
    assert.deepEqual(shown('leaseSec'), [60, 'default']);
    for (const text of [output(), (await ended(['config'], { CODA_NODE_TOKEN: 'planted-token' })).output()]) {
      assert.doesNotMatch(text, /planted/);
    }
  });

  it('names a wrong value, where it was set, and what is allowed', async () => {
    const { code, output } = await ended(['start'], { CODA_PORT: '80a' });
    assert.equal(code, 1);
    assert.match(output(), /ConfigError: .*CODA_PORT.*80a/);
  });
});

describe('coda dev --once', () => {
  it('runs the samples through a local cloud, a Redis and a node, and exits 0', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coda-dev-test-'));
    try {
      // A proxy that does not answer: nothing here may use it.
      const env = { HTTP_PROXY: 'http://127.0.0.1:1', HTTPS_PROXY: 'http://127.0.0.1:1' };
      const run = coda(['dev', '--once', '--shots', '500'], { cwd: folder, env });
      assert.equal(await run.ended, 0, run.output());
      assert.match(run.output(), /Bell pair/);
      assert.match(run.output(), /4 of 4 sample jobs/);
      assert.equal(run.output().includes('\u001b['), false);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
