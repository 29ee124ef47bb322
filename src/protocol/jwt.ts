// The JSON Web Tokens that prove to the cloud which QPU a node serves (PROTOCOL §3). No message quotes a key or a token.
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { AuthError, messageOf } from '../errors.ts';
import { isRecord, printable, shown } from './text.ts';

const ISSUER = 'coda';
const ALGORITHM = 'RS256';
const LIFETIME_SEC = 3600;
/** How long a token is reused: signing one for each request would take most of the node's CPU time. */
const REUSE_SEC = 300;
/** How far the signer's clock may be ahead of the verifier's. */
const CLOCK_SKEW_SEC = 60;
const MIN_KEY_BITS = 2048;

export interface TokenSigner {
  /** A token that is at most a few minutes old. */
  token(): Promise<string>;
  /** A newly signed token. */
  fresh(): Promise<string>;
}

export interface SignerOptions {
  readonly qpuId: string;
  readonly keyId: string;
  /** RSA private key as PEM. */
  readonly privateKeyPem: string;
}

/** The two clocks of a machine, in milliseconds. */
export interface Clock {
  wall(): number;
  monotonic(): number;
}

const systemClock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() };

interface Signature {
  readonly jwt: Promise<string>;
  readonly issuedAtSec: number;
  readonly signedAtMs: number;
}

/** Signs the node's tokens. Throws an AuthError if the key cannot be used. */
export async function createSigner(options: SignerOptions, clock: Clock = systemClock): Promise<TokenSigner> {
  const key = readPrivateKey(options.privateKeyPem);
  // Loaded here, since most commands of the CLI sign nothing.
  const { SignJWT } = await import('jose/jwt/sign');

  const sign = (issuedAtSec: number): Promise<string> =>
    new SignJWT()
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: options.keyId })
      .setSubject(options.qpuId)
      .setIssuer(ISSUER)
      .setIssuedAt(issuedAtSec)
      .setExpirationTime(issuedAtSec + LIFETIME_SEC)
      .sign(key)
      .catch((error: unknown) => {
        throw new AuthError(`signing a token failed: ${messageOf(error)}`, { cause: error });
      });

  const nowSec = (): number => Math.floor(clock.wall() / 1000);

  // Check both clocks: the wall clock may be set, and the monotonic clock may stop while the machine sleeps.
  const isReusable = ({ issuedAtSec, signedAtMs }: Signature): boolean => {
    const wallAgeSec = nowSec() - issuedAtSec;
    return wallAgeSec >= 0 && wallAgeSec < REUSE_SEC && clock.monotonic() - signedAtMs < REUSE_SEC * 1000;
  };

  let current: Signature | undefined;
  return {
    fresh: () => sign(nowSec()),
    token: () => {
      if (current !== undefined && isReusable(current)) return current.jwt;
      const issuedAtSec = nowSec();
      const signature: Signature = { jwt: sign(issuedAtSec), issuedAtSec, signedAtMs: clock.monotonic() };
      current = signature;
      signature.jwt.catch(() => {
        if (current === signature) current = undefined;
      });
      return signature.jwt;
    },
  };
}

/**
 * Reads an RSA private key of at least 2048 bits from PEM text; also PKCS1, and PEM with `\n` in place of line breaks,
 * as in environment files. Throws an AuthError that says what is needed.
 */
export function readPrivateKey(pem: string): KeyObject {
  const remedy =
    `Give an unencrypted RSA private key of at least ${MIN_KEY_BITS} bits as PEM (PKCS8), ` +
    'beginning with -----BEGIN PRIVATE KEY-----';
  let key: KeyObject;
  try {
    key = createPrivateKey(pem.trim().replaceAll('\\n', '\n'));
  } catch (error) {
    throw new AuthError('the JWT private key cannot be read', { remedy, cause: error });
  }
  if (key.asymmetricKeyType !== 'rsa') {
    throw new AuthError(`the JWT private key is of type ${key.asymmetricKeyType}, not RSA`, { remedy });
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < MIN_KEY_BITS) throw new AuthError(`the JWT private key has only ${bits} bits`, { remedy });
  return key;
}

/** Checks a node's token against every rule of PROTOCOL §3; the AuthError names the broken rule. */
export async function verifyToken(
  token: string,
  publicKey: KeyObject,
  expected: { readonly keyId: string; readonly qpuId: string },
): Promise<void> {
  const { compactVerify } = await import('jose/jws/compact/verify');
  const { protectedHeader, payload } = await compactVerify(token, publicKey, {
    algorithms: [ALGORITHM],
  }).catch((error: unknown) => {
    throw new AuthError(
      `the token is not validly signed with ${ALGORITHM}: ${printable(messageOf(error), 200)}`,
    );
  });
  const claims = parseClaims(payload);
  mustBe('header typ', protectedHeader.typ, 'JWT');
  mustBe('header kid', protectedHeader.kid, expected.keyId);
  mustBe('claim sub', claims['sub'], expected.qpuId);
  mustBe('claim iss', claims['iss'], ISSUER);

  const issuedAt = integerClaim(claims, 'iat');
  const expiresAt = integerClaim(claims, 'exp');
  const nowSec = Math.floor(Date.now() / 1000);
  if (expiresAt !== issuedAt + LIFETIME_SEC) {
    throw new AuthError(`the token's exp is iat + ${expiresAt - issuedAt}, not iat + ${LIFETIME_SEC}`);
  }
  if (expiresAt <= nowSec) throw new AuthError(`the token expired ${nowSec - expiresAt} s ago`);
  if (issuedAt > nowSec + CLOCK_SKEW_SEC) {
    throw new AuthError(`the token was issued ${issuedAt - nowSec} s in the future`);
  }
}

function parseClaims(payload: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(new TextDecoder().decode(payload));
    if (isRecord(claims)) return claims;
  } catch {
    // The same error as for JSON that is not an object.
  }
  throw new AuthError("the token's claims are not a JSON object");
}

function mustBe(field: string, actual: unknown, wanted: string): void {
  if (actual !== wanted)
    throw new AuthError(`the token's ${field} must be ${shown(wanted)}, got ${shown(actual)}`);
}

function integerClaim(claims: Readonly<Record<string, unknown>>, name: string): number {
  const value = claims[name];
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new AuthError(`the token's claim ${name} must be integer seconds, got ${shown(value)}`);
}
