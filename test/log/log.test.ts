// What a line of the log is, which lines there are, and that no value of anybody ends or floods it.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createLogger, type LogOptions, type Logger } from '../../src/log.ts';
import { LogLevels } from '../../src/log/levels.ts';
import { blocksOf } from '../support/page.ts';

const FORMATS = ['text', 'json'] as const;

function logOf(options: LogOptions = {}): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  return { lines, log: createLogger({ level: 'debug', ...options, write: (line) => lines.push(line) }) };
}

const withoutTime = (line = ''): string => line.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, 'TIME');

describe('a line of the log', () => {
  it('has its time, level, scope, message and fields, in both formats', () => {
    const inText = logOf();
    const inJson = logOf({ format: 'json' });
    for (const { log } of [inText, inJson]) {
      log
        .child('vpn')
        .child('probe')
        .warn('no answer', {
          host: '10.0.0.1',
          tries: 3,
          why: new Error('late', { cause: new Error('lost') }),
        });
    }
    assert.equal(
      withoutTime(inText.lines[0]),
      'TIME WARN  vpn.probe: no answer host=10.0.0.1 tries=3 why="Error: late; cause: Error: lost"',
    );
    assert.equal(
      withoutTime(inJson.lines[0]),
      '{"level":"warn","time":"TIME","scope":"vpn.probe","host":"10.0.0.1","tries":3,"why":"Error: late; cause: Error: lost","message":"no answer"}',
    );
  });

  it('is as the page on logs shows it', () => {
    const [text = '', json = ''] = blocksOf(join('docs', 'logs.md'))
      .filter(({ text: block }) => block.includes('no answer'))
      .map(({ text: block }) => block.trim());
    const lines = FORMATS.map((format) => {
      const one = logOf({ format });
      const plugin = one.log.child('vpn', { plugin: 'vpn' });
      plugin.child('probe').warn('no answer', { host: '10.0.0.1', tries: 3 });
      return one.lines[0]?.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, '2026-11-28T02:10:00.000Z');
    });
    assert.deepEqual(lines, [text, json]);
  });

  it('has colours only if that is wanted', () => {
    const { log, lines } = logOf({ colour: true });
    log.error('red');
    assert.equal(withoutTime(lines[0]), 'TIME \u001b[31mERROR\u001b[0m red');
  });

  it('carries the fields of its logger; in text, job, plugin and hook are not said twice', () => {
    for (const format of FORMATS) {
      const { log, lines } = logOf({ format });
      const plugin = log.child('fridge', { plugin: 'fridge' });
      plugin.info('job j-1 is cold', { job: 'j-1', kelvin: 0.01 });
      plugin.child('fridge').info('warm', { job: 'j-2' });
      log.child('', { plugin: 'fridge', hook: 'onJob' }).error("plugin 'fridge' failed in onJob");
      const wanted = {
        text: [
          'TIME INFO  fridge: job j-1 is cold kelvin=0.01',
          'TIME INFO  fridge: warm job=j-2',
          "TIME ERROR plugin 'fridge' failed in onJob",
        ],
        json: [
          '{"level":"info","time":"TIME","scope":"fridge","plugin":"fridge","job":"j-1","kelvin":0.01,"message":"job j-1 is cold"}',
          '{"level":"info","time":"TIME","scope":"fridge","plugin":"fridge","job":"j-2","message":"warm"}',
          '{"level":"error","time":"TIME","scope":"","plugin":"fridge","hook":"onJob","message":"plugin \'fridge\' failed in onJob"}',
        ],
      };
      assert.deepEqual(lines.map(withoutTime), wanted[format]);
    }
  });

  it('asks a function among the fields of its logger with each line that is shown', () => {
    const { log, lines } = logOf({ level: 'info' });
    let job: string | undefined;
    let asked = 0;
    const run = log.child('', { job: () => ((asked += 1), job), bad: () => assert.fail('bad') });
    run.info('idle', { kelvin: 1 });
    job = 'j-1';
    run.info('busy', { kelvin: 2 });
    run.info('other', { job: 'j-2' });
    run.debug('hidden');
    assert.deepEqual(
      lines.map((line) => withoutTime(line).replace(' bad="(cannot be shown)"', '')),
      ['TIME INFO  idle kelvin=1', 'TIME INFO  busy kelvin=2 job=j-1', 'TIME INFO  other job=j-2'],
    );
    assert.equal(asked, 3);
  });

  it('cannot be given another time, level, scope or message by a field', () => {
    const { log, lines } = logOf({ format: 'json' });
    log.info('true', { time: 'never', level: 'error', scope: 'x', message: 'false', __proto__x: 1 });
    const read = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    assert.deepEqual(
      [read['level'], read['scope'], read['message'], read['message_']],
      ['info', '', 'true', 'false'],
    );
  });
});

describe('the levels of a log', () => {
  it('hold for all, or for one plugin and all that it names, and change at once', () => {
    const levels = new LogLevels('warn', { vpn: 'debug' });
    const { log, lines } = logOf({ level: levels });
    const all = [
      log,
      log.child('vpn').child('probe'),
      log.child('a', { plugin: 'a' }),
      log.child('', { plugin: 'vpn' }),
    ];
    const shown = (): number[] => {
      lines.length = 0;
      for (const [index, one] of all.entries()) one.debug(`line ${index}`);
      return lines.map((line) => Number(/line (\d)/.exec(line)?.[1]));
    };
    assert.deepEqual(shown(), [1, 3]);
    levels.choice = { level: 'debug', plugins: { a: 'info' } };
    assert.deepEqual(shown(), [0, 1, 3]);
    levels.choice = { level: 'error', plugins: { a: 'debug' } };
    assert.deepEqual(shown(), [2]);
    assert.deepEqual([levels.isUnknown('vpn'), levels.isUnknown('probe')], [false, true]);
  });

  it('keep a line below them from being looked at', () => {
    const { log, lines } = logOf({ level: 'info' });
    let reads = 0;
    log.debug('hidden', {
      get field() {
        return (reads += 1);
      },
    });
    assert.deepEqual([reads, lines.length], [0, 0]);
  });
});

describe('a hostile value', () => {
  const circle: Record<string, unknown> = {};
  circle['circle'] = circle;
  const causes = new Error('a');
  causes.cause = causes;
  const thrower = {
    get inner() {
      throw new Error('no');
    },
  };
  const badError = new Error('x');
  Object.defineProperty(badError, 'message', {
    get() {
      throw new Error('no');
    },
  });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const values: Record<string, unknown> = {
    circle,
    causes,
    thrower,
    badError,
    proxy,
    deep: JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)),
    big: 1n,
    bigs: [1n, 2n],
    symbol: Symbol('s'),
    symbols: [Symbol('s')],
    function: () => {},
    nan: NaN,
    date: new Date(NaN),
    json: { toJSON: () => assert.fail('toJSON') },
    map: new Map([[1, 2]]),
    surrogate: '\ud800',
    codes: '\u001b[2J\r\n\0\u202e',
    buffer: Buffer.from('x'),
    none: null,
    nothing: undefined,
  };

  it('ends nobody, and leaves one readable line', () => {
    for (const format of FORMATS) {
      const { log, lines } = logOf({ format });
      for (const [name, value] of Object.entries(values)) {
        log.warn(name, { value, kept: 'yes' });
        log.child('x', { value }).warn(name, { kept: 'yes' });
      }
      log.warn('all', { ...values, kept: 'yes' });
      log.warn('fields', proxy);
      log.warn('getter', thrower);
      log.child('x', proxy).warn('child');
      log.warn(Symbol('message') as unknown as string);
      log.warn(proxy as unknown as string);
      assert.equal(lines.length, 2 * Object.keys(values).length + 6);
      for (const line of lines) {
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
        if (format === 'json')
          assert.equal(typeof (JSON.parse(line) as Record<string, unknown>)['message'], 'string');
      }
      for (const line of lines.slice(0, -5)) assert.match(line, /kept.{1,3}yes/);
    }
  });

  it('of a hundred megabytes makes a line of a few hundred kilobytes, in which no secret is cut in half', () => {
    const secret = 'planted-secret-of-a-fridge';
    const long = 'x'.repeat(64 * 1024 - 10) + secret + 'a'.repeat(100_000_000);
    const list = Array.from({ length: 1_000_000 }, () => 'value');
    for (const format of FORMATS) {
      const { log, lines } = logOf({ format });
      log.mask(secret);
      log.warn(long);
      log.warn('field', { long, error: new Error(long) });
      log.warn('list', { list, nested: { long: 'eyJ'.repeat(1_000_000) } });
      log.child(long).warn('scope');
      assert.equal(lines.length, 4);
      for (const line of lines) {
        assert.ok(line.length < 600_000, `${line.length}`);
        assert.ok(!line.includes(secret.slice(0, 8)));
        if (format === 'json') JSON.parse(line);
      }
      assert.match(lines[0] ?? '', /x\*\*\*.*\(\d+ characters\)/);
    }
  });
});
