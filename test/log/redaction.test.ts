// Secrets of every kind, planted in every place of a line: none is in the log, in either format.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { createLogger, type Logger } from '../../src/log.ts';
import { Redaction } from '../../src/log/redaction.ts';

const KEY = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;
const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJxcHUtMSJ9.c2lnbmF0dXJlLW9mLXRoZS1ub2Rl';
const KEY_LINES = KEY.trim().split('\n').slice(1, -1);

/** What the node knows, and has registered. */
const KNOWN = [
  'node-token/with+signs=',
  'pass"word\\of#redis',
  'p\u00e4ssw\u00f6rd-options',
  'multi-line\nsecret-text',
  KEY,
];
/** What only looks like a secret: the text, and what of it must not be seen. */
const LOOKS: readonly (readonly [text: string, ...secrets: string[]])[] = [
  [JWT, JWT.slice(20)],
  [KEY, ...KEY_LINES],
  [KEY.replaceAll('\n', '\\n'), ...KEY_LINES],
  [KEY.slice(0, 700), ...KEY_LINES.slice(0, 9)],
  [inspect({ deep: { key: KEY } }), ...KEY_LINES],
  [JSON.stringify(inspect({ deep: { key: KEY } })), ...KEY_LINES],
  [
    `-----BEGIN OpenVPN Static key V1-----\n${'0a1b2c3d'.repeat(4)}\n-----END OpenVPN Static key V1-----`,
    '0a1b2c3d',
  ],
  ['redis://lab:fridge-word@10.0.0.1:6379/0', 'fridge-word'],
  ['http://fridge-word:pr%40xy-word@proxy.lab:3128', 'pr%40xy-word'],
  [`Authorization: Bearer ${'b'.repeat(30)}`, 'bbbb'],
  ['authorization: Basic bGFiOmZyaWRnZQ==', 'bGFi'],
  [
    inspect({ headers: { authorization: 'Basic bGFiOmZyaWRnZQ==', cookie: 'sid=fridge-word' } }),
    'bGFi',
    'fridge-word',
  ],
  [JSON.stringify({ password: 'fridge-word', pageToken: 'fridge-door' }), 'fridge-word', 'fridge-door'],
  [JSON.stringify(JSON.stringify({ api_key: 'fridge-word' })), 'fridge-word'],
  ['coda page: http://127.0.0.1:8080/?token=fridge-word&x=1', 'fridge-word'],
  ['redisPassword=fridge-word', 'fridge-word'],
];

/** Every place of a line in which a text may be. */
function plant(log: Logger, text: string): void {
  log.info(text);
  log.info(`before ${text} after`);
  log.info('field', { value: text });
  log.info('nested', { a: { b: [{ c: text }, [text]] } });
  log.info('key', { [text]: 1, nested: { [text]: true } });
  log.info('error', { error: new Error(text, { cause: new Error('inner', { cause: new Error(text) }) }) });
  log.info(JSON.stringify({ quoted: JSON.stringify({ text }) }));
  log.info(inspect(new Error(text)));
  log.child(text).info('scope');
  log.child('x', { bound: text }).info('bound');
  log.info('bytes', { url: new URL(`http://x/?q=${encodeURIComponent(text)}`) });
}

describe('secrets in the log', () => {
  for (const format of ['text', 'json'] as const) {
    it(`that the node knows are hidden in ${format}, in all their forms`, () => {
      const lines: string[] = [];
      const log = createLogger({ format, write: (line) => lines.push(line) });
      for (const secret of KNOWN) log.mask(secret);
      for (const secret of KNOWN) {
        const bytes = Buffer.from(secret);
        const forms = [
          secret,
          bytes.toString('base64'),
          bytes.toString('base64url'),
          encodeURIComponent(secret),
        ];
        for (const form of forms) {
          lines.length = 0;
          plant(log, form);
          // A text of several lines, given to the log line by line.
          for (const line of form.split('\n')) log.child('driver').info(line);
          assert.ok(lines.length > 11);
          const text = lines.join('\n');
          const lost = [
            form,
            JSON.stringify(form).slice(1, -1),
            ...form.split('\n').filter((line) => !line.startsWith('---')),
          ];
          for (const part of lost.filter((line) => line.length >= 6))
            assert.ok(!text.includes(part), `${part} in ${text}`);
        }
      }
    });

    it(`that only look like one are hidden in ${format}`, () => {
      for (const [look, ...secrets] of LOOKS) {
        const lines: string[] = [];
        const log = createLogger({ format, write: (line) => lines.push(line) });
        log.info(look);
        log.info(`before ${look} after`, { value: look, list: [look] });
        log.info('error', { error: new Error('x', { cause: new Error(look) }) });
        for (const line of look.split('\n')) log.info(line);
        log.info('fine', { password: 'fridge-word', pageToken: 'fridge-door', count: 1 });
        const text = lines.join('\n');
        for (const secret of [...secrets, 'fridge-door'])
          assert.ok(!text.includes(secret), `${secret} in ${text}`);
        assert.match(text, /before [^]*\*\*\*/);
        if (format === 'json') for (const line of lines) JSON.parse(line);
      }
    });
  }

  it('leave all else as it is', () => {
    const redaction = new Redaction();
    redaction.add('short');
    redaction.add('longer');
    for (const text of [
      'connecting to https://coda.conductorquantum.com:8443/path?x=1 by token, attempt=1',
      'the token: it was used before; CODA_NODE_TOKEN=<token>',
      'host http://a:80","mail":"a@b" tokens 5, password is wrong',
      'no credentials yet: coda start --token -',
      'Basic settings and bearer bonds; eyJ is no token; short',
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    ]) {
      assert.equal(redaction.hide(text), text);
    }
  });

  it('of which one is the beginning of another leave no end of it', () => {
    const redaction = new Redaction();
    for (const secret of ['fridge', 'fridge-door', 'fridge-door-code']) redaction.add(secret);
    assert.equal(redaction.hide('fridge-door-code fridge-door fridge'), '*** *** ***');
  });

  it('of which a text that was cut has only the beginning are hidden, too', () => {
    const redaction = new Redaction();
    redaction.add('fridge-door-code');
    redaction.add('other-secret');
    assert.equal(
      redaction.hide('x fridge-do… and fridge-… and fridg… y other-se…'),
      'x ***… and ***… and fridg… y ***…',
    );
  });

  it('are looked for in a time that grows with the text', () => {
    const redaction = new Redaction();
    redaction.add('planted-secret');
    for (const piece of [
      'eyJ',
      'a',
      '://',
      'token',
      'Bearer ',
      '-----BEGIN PRIVATE KEY-----',
      'authorization: ',
      '\\',
      '"password":"',
      '-----BEGIN ',
      '…',
      'planted…',
    ]) {
      const started = process.cpuUsage().user;
      redaction.hide(piece.repeat(Math.ceil(1_000_000 / piece.length)));
      // Microseconds. What is quadratic takes minutes.
      assert.ok(process.cpuUsage().user - started < 5_000_000, piece);
    }
  });
});
