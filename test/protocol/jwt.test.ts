// Tokens: their claims, how long they are reused, and every rule of the verifier.
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { AuthError } from '../../src/errors.ts';
import { type Clock, createSigner, readPrivateKey, verifyToken } from '../../src/protocol/jwt.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' = 'pkcs8'): string =>
  key.export({ type, format: 'pem' }).toString();
const IDENTITY = { qpuId: 'qpu-1', keyId: 'key-1' };
const OPTIONS = { ...IDENTITY, privateKeyPem: pem(privateKey) };

/** Clocks that the test sets. */
function handClock(): Clock & { wallMs: number; monotonicMs: number } {
  return {
    wallMs: 1_800_000_000_500,
    monotonicMs: 0,
    wall() {
      return this.wallMs;
    },
    monotonic() {
      return this.monotonicMs;
    },
  };
}

const isAuthError =
  (pattern: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof AuthError, String(error));
    assert.match(error.message, pattern);
    return true;
  };

describe('createSigner', () => {
  it('signs the contract header and claims', async () => {
    const clock = handClock();
    const signer = await createSigner(OPTIONS, clock);
    const token = await signer.token();
    assert.deepEqual(decodeProtectedHeader(token), { alg: 'RS256', typ: 'JWT', kid: 'key-1' });
    assert.deepEqual(decodeJwt(token), { sub: 'qpu-1', iss: 'coda', iat: 1_800_000_000, exp: 1_800_003_600 });
  });

  it('signs tokens that verify by the real clock', async () => {
    const signer = await createSigner(OPTIONS);
    await verifyToken(await signer.token(), publicKey, IDENTITY);
    await verifyToken(await signer.fresh(), publicKey, IDENTITY);
  });

  it('uses a token again for five minutes', async () => {
    const clock = handClock();
    const signer = await createSigner(OPTIONS, clock);
    const first = await signer.token();
    clock.wallMs += 299_000;
    clock.monotonicMs += 299_000;
    assert.equal(await signer.token(), first);
    clock.wallMs += 1000;
    clock.monotonicMs += 1000;
    assert.notEqual(await signer.token(), first);
  });

  it('shares one signature between concurrent calls', async () => {
    const signer = await createSigner(OPTIONS);
    const one = signer.token();
    assert.equal(signer.token(), one, 'both calls wait for the same promise');
    await one;
  });

  const jumps: [string, number, number][] = [
    ['the wall clock is set back', -2000, 10],
    ['the wall clock is set forward', 3_600_000, 10],
    ['the machine slept', 7_200_000, 0],
    ['the wall clock was held', 0, 300_000],
  ];
  for (const [name, wall, monotonic] of jumps) {
    it(`signs a new token when ${name}`, async () => {
      const clock = handClock();
      const signer = await createSigner(OPTIONS, clock);
      const first = signer.token();
      clock.wallMs += wall;
      clock.monotonicMs += monotonic;
      const second = signer.token();
      assert.notEqual(second, first, 'a new signature was begun');
      assert.equal(decodeJwt(await second).iat, Math.floor(clock.wallMs / 1000));
      await first;
    });
  }

  it('signs a new token for each call of fresh', async () => {
    const clock = handClock();
    const signer = await createSigner(OPTIONS, clock);
    const first = await signer.fresh();
    clock.wallMs += 1000;
    const second = await signer.fresh();
    assert.equal(Number(decodeJwt(second).iat) - Number(decodeJwt(first).iat), 1);
  });
});

describe('readPrivateKey', () => {
  it('reads PKCS8, PKCS1, CRLF, surrounding blanks and escaped line breaks', () => {
    const text = pem(privateKey);
    for (const variant of [
      text,
      pem(privateKey, 'pkcs1'),
      text.replaceAll('\n', '\r\n'),
      `\n  ${text}  `,
      text.replaceAll('\n', '\\n'),
    ]) {
      assert.equal(pem(createPublicKey(readPrivateKey(variant)), 'pkcs1'), pem(publicKey, 'pkcs1'));
    }
  });

  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const encrypted = privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  const refused: [string, string, RegExp][] = [
    ['nothing', '', /cannot be read/],
    ['text', 'hunter2-hunter2', /cannot be read/],
    ['a damaged key', OPTIONS.privateKeyPem.replace(/[A-Z]{2}/g, ''), /cannot be read/],
    ['a public key', publicKey.export({ type: 'spki', format: 'pem' }).toString(), /cannot be read/],
    ['an encrypted key', encrypted, /cannot be read/],
    ['an elliptic key', pem(elliptic), /is of type ec, not RSA/],
    ['a short key', pem(small), /has only 1024 bits/],
  ];
  for (const [name, text, pattern] of refused) {
    it(`refuses ${name}, says what is needed and does not quote it`, async () => {
      await assert.rejects(createSigner({ ...IDENTITY, privateKeyPem: text }), (error: unknown) => {
        assert.ok(error instanceof AuthError);
        assert.match(error.message, pattern);
        assert.match(error.remedy ?? '', /RSA private key of at least 2048 bits/);
        const body = text.split('\n')[1] ?? text;
        const shown = `${error.message} ${String(error.cause)}`;
        assert.ok(body === '' || !shown.includes(body));
        return true;
      });
    });
  }
});

describe('verifyToken', () => {
  const nowSec = Math.floor(Date.now() / 1000);
  const header = { alg: 'RS256', typ: 'JWT', kid: 'key-1' };
  const claims = { sub: 'qpu-1', iss: 'coda', iat: nowSec, exp: nowSec + 3600 };
  const sign = (
    payload: Record<string, unknown>,
    protectedHeader = header,
    key = privateKey,
  ): Promise<string> => new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key);

  it('accepts what follows every rule', async () => {
    await verifyToken(await sign(claims), publicKey, IDENTITY);
    await verifyToken(await sign({ ...claims, iat: nowSec - 3000, exp: nowSec + 600 }), publicKey, IDENTITY);
  });

  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const refused: [string, () => Promise<string>, RegExp][] = [
    ['no token', async () => '', /not validly signed with RS256/],
    ['three dots', async () => 'a.b.c', /not validly signed/],
    ['a token of another key', () => sign(claims, header, stranger), /signature verification failed/],
    ['another algorithm', () => sign(claims, { ...header, alg: 'PS256' }), /not validly signed with RS256/],
    [
      'another typ',
      () => sign(claims, { ...header, typ: 'at+jwt' }),
      /header typ must be 'JWT', got 'at\+jwt'/,
    ],
    ['typ in small letters', () => sign(claims, { ...header, typ: 'jwt' }), /header typ/],
    [
      'another kid',
      () => sign(claims, { ...header, kid: 'key-2' }),
      /header kid must be 'key-1', got 'key-2'/,
    ],
    ['another sub', () => sign({ ...claims, sub: 'qpu-2' }), /claim sub must be 'qpu-1', got 'qpu-2'/],
    ['no sub', () => sign({ ...claims, sub: undefined }), /claim sub must be 'qpu-1', got undefined/],
    ['another iss', () => sign({ ...claims, iss: 'x' }), /claim iss must be 'coda'/],
    ['no iat', () => sign({ ...claims, iat: undefined }), /claim iat must be integer seconds, got undefined/],
    ['a fractional iat', () => sign({ ...claims, iat: nowSec + 0.5 }), /claim iat must be integer seconds/],
    [
      'exp as string',
      () => sign({ ...claims, exp: `${nowSec + 3600}` }),
      /claim exp must be integer seconds/,
    ],
    ['another lifetime', () => sign({ ...claims, exp: nowSec + 60 }), /exp is iat \+ 60, not iat \+ 3600/],
    [
      'an expired token',
      () => sign({ ...claims, iat: nowSec - 3700, exp: nowSec - 100 }),
      /expired \d+ s ago/,
    ],
    [
      'a future token',
      () => sign({ ...claims, iat: nowSec + 900, exp: nowSec + 4500 }),
      /issued \d+ s in the future/,
    ],
  ];
  for (const [name, make, pattern] of refused) {
    it(`refuses ${name}`, async () => {
      const token = await make();
      await assert.rejects(verifyToken(token, publicKey, IDENTITY), isAuthError(pattern));
    });
  }

  it('refuses an unsigned token and a changed one', async () => {
    const [, payload = '', signature = ''] = (await sign(claims)).split('.');
    const none = Buffer.from(JSON.stringify({ ...header, alg: 'none' })).toString('base64url');
    await assert.rejects(
      verifyToken(`${none}.${payload}.`, publicKey, IDENTITY),
      isAuthError(/not validly signed/),
    );
    const head = Buffer.from(JSON.stringify(header)).toString('base64url');
    const changed = Buffer.from(JSON.stringify({ ...claims, extra: 1 })).toString('base64url');
    await assert.rejects(
      verifyToken(`${head}.${changed}.${signature}`, publicKey, IDENTITY),
      isAuthError(/signature verification failed/),
    );
  });
});
