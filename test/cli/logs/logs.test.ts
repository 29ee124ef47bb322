// `coda logs` with its filters, over logs in text and in JSON, across rotated files, and as the log grows.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LineFilter, type LogFilter } from '../../../src/cli/logs/filter.ts';
import { createLogger } from '../../../src/log.ts';
import { bench } from '../workbench.ts';

const HOUR = 3_600_000;
const time = (agoMs: number): string => new Date(Date.now() - agoMs).toISOString();

describe('the filter of coda logs', () => {
  const text = [
    '2026-11-28T01:00:00.000Z INFO  job job-1 completed: 6 shots, 1.0 ms',
    'measured job-1',
    '2026-11-28T01:10:00.000Z WARN  job job-10 failed in the executor',
    '  Error: too warm',
    '      at run (x.js:1:2)',
    '2026-11-28T01:20:00.000Z DEBUG vpn: probing job=job-1.5',
    '\0\0\0\u001b[2J damaged',
    '2026-11-28T01:30:00.000Z ERROR python.driver: no answer job=job-1',
    '{"level":"error","time":"2026',
  ];
  const shown = (filter: LogFilter, lines = text): number[] => {
    const one = new LineFilter(filter);
    return lines.flatMap((line, index) => (one.takes(line) ? [index] : []));
  };
  const since = (at: string): number => Date.parse(`2026-11-28T${at}:00Z`);

  it('shows lines since a time, with what continues them and what has no time of its own', () => {
    assert.deepEqual(shown({}), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(shown({ since: since('01:05') }), [2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(shown({ since: since('02:00') }), []);
    assert.deepEqual(shown({ since: since('00:00') }, ['printed', ...text.slice(0, 2)]), [1, 2]);
  });

  it('shows lines from a level on; what was printed counts as info', () => {
    assert.deepEqual(shown({ level: 'info' }), [0, 1, 2, 3, 4, 6, 7, 8]);
    assert.deepEqual(shown({ level: 'warn' }), [2, 3, 4, 7]);
    assert.deepEqual(shown({ level: 'error', since: since('01:05') }), [7]);
  });

  it('shows the lines that name a job, and no other job whose id begins like it', () => {
    assert.deepEqual(shown({ job: 'job-1' }), [0, 1, 7]);
    assert.deepEqual(shown({ job: 'job-10' }), [2, 3, 4]);
    assert.deepEqual(shown({ job: 'job-1.5' }), [5]);
    assert.deepEqual(shown({ job: 'ob-1' }), []);
  });

  it('finds jobs with odd ids as both formats write them', () => {
    for (const job of ['a"b\\c', 'x\u202ey', 'tab\tid', 'q.', '$&']) {
      for (const format of ['text', 'json'] as const) {
        const lines: string[] = [];
        const log = createLogger({ format, write: (line) => lines.push(line) });
        log.warn(`job ${job} failed: too warm`, { job });
        log.warn('too warm', { job });
        log.info('job other', { job: 'other' });
        assert.deepEqual(shown({ job }, lines), [0, 1], `${job} in ${lines.join('\n')}`);
        assert.deepEqual(shown({ level: 'warn' }, lines), [0, 1]);
      }
    }
  });
});

describe('coda logs', () => {
  const path = (name: string): string => join(bench.stateDir, name);

  it('filters across files that the node or logrotate has rotated, and follows on', async () => {
    mkdirSync(bench.stateDir);
    const recently = time(2000).slice(0, -1);
    const long = 'x'.repeat(2 * 1024 * 1024);
    const files: readonly (readonly [name: string, ageMs: number, text: string])[] = [
      ['coda-node.log-20261101', 30 * HOUR, `${time(30 * HOUR)} ERROR ancient\n`],
      ['coda-node.log.3.gz', 5 * HOUR, `${time(6 * HOUR)} WARN  zipped\n${time(5 * HOUR)} INFO  fine\n`],
      [
        'coda-node.log.2',
        3 * HOUR,
        `${time(4 * HOUR)} WARN  second\n  continued\n${time(3 * HOUR)} WARN  job j-1 third`,
      ],
      [
        'coda-node.log.1',
        HOUR,
        `{"time":"${time(2 * HOUR)}","level":"warn","scope":"","message":"in JSON"}\n${long}\n`,
      ],
      ['coda-node.log', 0, `${time(1000)} WARN  last of job j-1\n${time(500)} INFO  hidden\n`],
      ['coda-node.log.old', 0, `${time(0)} ERROR another file\n`],
    ];
    for (const [name, ageMs, content] of files) {
      writeFileSync(path(name), name.endsWith('.gz') ? gzipSync(content) : content);
      utimesSync(path(name), (Date.now() - ageMs) / 1000, (Date.now() - ageMs) / 1000);
    }
    const words = async (...args: string[]): Promise<string[]> =>
      (await bench.ends(0, ['logs', ...args]))
        .split('\n')
        .map((line) => line.replace(/^.*(WARN|ERROR|INFO) +/, ''));
    const warned = (await words('--since', '7h', '--level', 'warn')).map((line) =>
      line.replace(/"time":".*?",/, '').slice(0, 60),
    );
    assert.deepEqual(warned, [
      'zipped',
      'second',
      '  continued',
      'job j-1 third',
      '{"level":"warn","scope":"","message":"in JSON"}',
      'last of job j-1',
      '',
    ]);
    assert.deepEqual(await words('--job', 'j-1'), ['job j-1 third', 'last of job j-1', '']);
    assert.deepEqual(await words('--level', 'warn', '-n', '1'), ['last of job j-1', '']);
    assert.deepEqual(await words('--level', 'error'), ['ancient', '']);
    assert.deepEqual(await words('--since', recently), ['last of job j-1', 'hidden', '']);
    // A compressed file that is damaged is read as far as it can be.
    writeFileSync(path('coda-node.log.3.gz'), gzipSync('WARN  zipped\n').subarray(0, 15));
    assert.deepEqual(await words('--job', 'j-1'), ['job j-1 third', 'last of job j-1', '']);

    const following = bench.spawn(['logs', '-f', '--job', 'j-1', '-n', '1']);
    await following.says('last of job j-1');
    const half = `${time(0)} INFO  job j-1 half`;
    appendFileSync(path('coda-node.log'), half.slice(0, 30));
    appendFileSync(path('coda-node.log'), `${half.slice(30)}\n${time(0)} INFO  job j-2\n`);
    await following.says('job j-1 half');
    renameSync(path('coda-node.log'), path('coda-node.log.0'));
    writeFileSync(path('coda-node.log'), `${time(0)} INFO  job j-1 again\n`);
    await following.says('job j-1 again');
    assert.ok(!following.output().includes('j-2'));

    for (const [args, says] of [
      [['--since', 'noon'], '--since is "noon"'],
      [['--since', '2026-13-40'], '--since is'],
      [['--level', 'loud'], '--level is "loud"'],
    ] as const) {
      assert.ok((await bench.ends(2, ['logs', ...args])).includes(says));
    }
  });

  it('shows the last lines also if they are in compressed files, or if there is no log yet since it was moved', async () => {
    mkdirSync(bench.stateDir);
    const log = path('coda-node.log');
    const put = (name: string, ageMs: number, words: readonly string[]): void => {
      const content = words.map((word) => `${time(ageMs)} INFO  ${word}\n`).join('');
      writeFileSync(path(name), name.endsWith('.gz') ? gzipSync(content) : content);
      utimesSync(path(name), (Date.now() - ageMs) / 1000, (Date.now() - ageMs) / 1000);
    };
    put('coda-node.log.3', 3 * HOUR, ['one']);
    put('coda-node.log.2.gz', 2 * HOUR, ['two', 'three']);
    put('coda-node.log.1', HOUR, ['four']);
    const words = async (...args: string[]): Promise<string> =>
      (await bench.ends(0, ['logs', ...args])).replaceAll(/^.*INFO +/gm, '').replaceAll('\n', ' ');
    // Between the move and the next line of the node.
    assert.equal(await words('-n', '3'), 'two three four ');
    assert.equal(await words('-n', '1'), 'four ');
    assert.equal(await words('-n', '0'), '');
    assert.equal(await words('--since', '90m'), 'four ');
    const following = bench.spawn(['logs', '-f', '-n', '2']);
    await following.says('four');
    put('coda-node.log', 0, ['five']);
    await following.says('five');
    appendFileSync(log, `${time(0)} INFO  six\n`);
    await following.says('six');
    assert.equal(await words('-n', '50'), 'one two three four five six ');
    assert.equal(await words('-n', '4'), 'three four five six ');
    rmSync(bench.stateDir, { recursive: true });
    mkdirSync(bench.stateDir);
    assert.match(await bench.ends(1, ['logs']), /there is no log/);
  });
});
