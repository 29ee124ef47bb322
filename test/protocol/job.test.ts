// Job messages and shots: which are malformed, and that only JobErrors are thrown.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JobError } from '../../src/errors.ts';
import { parseMessage, parseShots } from '../../src/protocol/job.ts';
import { anyText } from './arbitraries.ts';

const URL_OK = 'https://coda.example/api/webhook?job=1';
const message = (jobId: string, callbackUrl: string): string[] => [
  'job_id',
  jobId,
  'callback_url',
  callbackUrl,
];

describe('parseMessage', () => {
  it('reads the four fields in any order and ignores others', () => {
    const fields = ['shots', '10', 'x', 'y', 'ir_json', '{}', 'callback_url', URL_OK, 'job_id', 'j-1'];
    assert.deepEqual(parseMessage('1-0', fields), {
      messageId: '1-0',
      jobId: 'j-1',
      callbackUrl: URL_OK,
      irJson: '{}',
      shots: '10',
      trace: undefined,
    });
  });

  it('reads buffers', () => {
    const fields = message('jöb-1', URL_OK).map((text) => Buffer.from(text));
    assert.equal(parseMessage('1-0', fields).jobId, 'jöb-1');
  });

  it('leaves missing circuit and shots undefined', () => {
    const { irJson, shots } = parseMessage('1-0', message('j-1', 'http://127.0.0.1:9/w'));
    assert.deepEqual([irJson, shots], [undefined, undefined]);
  });

  it('takes the last of a repeated field, and drops a name without a value', () => {
    const fields = [...message('old', URL_OK), 'job_id', 'new', 'shots'];
    const parsed = parseMessage('1-0', fields);
    assert.equal(parsed.jobId, 'new');
    assert.equal(parsed.shots, undefined);
  });

  const malformed: [string, readonly (string | Buffer)[], RegExp][] = [
    ['no fields', [], /^malformed message '1-0': no job_id$/],
    ['no job_id', ['callback_url', URL_OK], /no job_id/],
    ['an empty job_id', message('', URL_OK), /no job_id/],
    ['a blank job_id', message(' ', URL_OK), /no job_id/],
    ['a job_id with a line break', message('a\nb', URL_OK), /job_id 'a\\nb' contains control characters/],
    [
      'a job_id of 513 characters',
      message('x'.repeat(513), URL_OK),
      /job_id has 513 characters, at most 512/,
    ],
    [
      'a job_id that is no UTF-8',
      ['callback_url', URL_OK, 'job_id', Buffer.from([0x61, 0xff])],
      /broken UTF-8/,
    ],
    ['no callback_url', ['job_id', 'j'], /no callback_url/],
    ['an empty callback_url', message('j', ''), /no callback_url/],
    ['a relative callback_url', message('j', '/webhook'), /callback_url is not an http/],
    ['an ftp callback_url', message('j', 'ftp://host/x'), /callback_url is not an http/],
    ['a javascript callback_url', message('j', 'javascript:alert(1)'), /callback_url is not an http/],
    ['a callback_url without host', message('j', 'https://'), /callback_url is not an http/],
    ['a callback_url with a bad port', message('j', 'https://host:99999/'), /callback_url is not an http/],
    [
      'a callback_url with a line break',
      message('j', 'https://host/\r\nX: y'),
      /callback_url is not an http/,
    ],
    ['a callback_url after a blank', message('j', ' https://host/'), /callback_url is not an http/],
  ];
  for (const [name, fields, pattern] of malformed) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => parseMessage('1-0', fields),
        (error) => {
          assert.ok(error instanceof JobError);
          assert.match(error.message, pattern);
          return true;
        },
      );
    });
  }

  it('accepts a job_id of 512 characters', () => {
    assert.equal(parseMessage('1-0', message('x'.repeat(512), URL_OK)).jobId.length, 512);
  });

  it('does not quote the callback_url', () => {
    assert.throws(
      () => parseMessage('1-0', message('j', 'ftp://user:hunter2@host/?sig=hunter2')),
      (error) => error instanceof JobError && !error.message.includes('hunter2'),
    );
  });

  it('answers any message with a JobMessage or a short JobError', () => {
    const names = fc.constantFrom('job_id', 'callback_url', 'ir_json', 'shots', '__proto__', 'x');
    const texts = fc.oneof(fc.constant(URL_OK), fc.webUrl(), anyText(700), fc.string());
    const values = fc.oneof(
      texts,
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.string(), fc.array(fc.tuple(names, values), { maxLength: 8 }), (id, pairs) => {
        try {
          const { jobId, callbackUrl } = parseMessage(id, pairs.flat());
          assert.ok(jobId.length > 0 && jobId.length <= 512);
          assert.match(new URL(callbackUrl).protocol, /^https?:$/);
          accepted += 1;
        } catch (error) {
          assert.ok(error instanceof JobError, String(error));
          assert.ok(error.message.length <= 500);
          assert.doesNotMatch(error.message, /\p{Cc}/u);
        }
      }),
      { numRuns: 3000 },
    );
    assert.ok(accepted > 0, 'the property never saw a good message');
  });
});

describe('parseShots', () => {
  it('reads decimal integers', () => {
    for (const shots of [1, 1024, Number.MAX_SAFE_INTEGER]) assert.equal(parseShots(String(shots)), shots);
  });

  const bad = [
    '',
    ' ',
    '0',
    '-5',
    '+5',
    ' 5',
    '5 ',
    '5\n',
    '007',
    '1e3',
    '1.0',
    '0x10',
    '1_000',
    '٣',
    'NaN',
    '9007199254740992',
  ];
  for (const text of bad) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseShots(text),
        (error) => error instanceof JobError && error.message.startsWith('shots must be'),
      );
    });
  }

  it('says when there are none', () =>
    assert.throws(() => parseShots(undefined), new JobError('the job has no shots')));

  it('quotes the value, shortened', () => {
    assert.throws(() => parseShots('ten'), /got 'ten'$/);
    assert.throws(
      () => parseShots('9'.repeat(100_000)),
      (error) => error instanceof JobError && error.message.length < 200,
    );
  });

  it('answers any text with a positive safe integer or a short JobError', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), fc.integer().map(String)), (text) => {
        try {
          const shots = parseShots(text);
          assert.equal(String(shots), text);
          assert.ok(Number.isSafeInteger(shots) && shots >= 1);
        } catch (error) {
          assert.ok(error instanceof JobError, String(error));
          assert.ok(error.message.length <= 200);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a callback_url', () => {
  const callback = (length: number): string => 'http://cloud/'.padEnd(length, 'x');

  it('may take 8 KiB, and no more', () => {
    const parse = (length: number): string =>
      parseMessage('1-0', ['job_id', 'a', 'callback_url', callback(length)]).callbackUrl;
    assert.equal(parse(8192).length, 8192);
    assert.throws(() => parse(8193), /callback_url has 8193 characters, at most 8192 are allowed/);
  });
});
