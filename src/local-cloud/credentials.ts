// Decides who may act as the QPU: one-time tokens, the key pairs issued for them, and the bundle (PROTOCOL §1, §3).
import { generateKeyPair, randomBytes, randomUUID, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import { streamKey } from '../protocol/keys.ts';
import { verifyToken } from '../protocol/jwt.ts';
import { isRecord, shown } from '../protocol/text.ts';
import { Refusal } from './refusal.ts';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export interface Paths {
  readonly connect: string;
  readonly heartbeat: string;
  readonly webhook: string;
}

/** What the bundle says about the QPU and the cloud. */
export interface BundleTerms {
  readonly qpuId: string;
  readonly displayName: string;
  readonly nativeGateSet: string;
  readonly numQubits: number;
  readonly redisUrl: string;
  readonly paths: Paths;
  /** The address of the cloud; read at each connect, since it is known only once the cloud listens. */
  readonly url: () => string;
}

export type BundleFields = Record<string, unknown>;

/** Changes a bundle before it is sent; any JSON value that it returns is sent. */
export type BundleOverride = (bundle: BundleFields, mode: 'token' | 'jwt') => unknown;

/** What a node needs to start without a token. */
export interface IssuedKey {
  readonly keyId: string;
  readonly privateKeyPem: string;
}

interface KnownKey {
  readonly publicKey: KeyObject;
  /** From the first connect with this key. */
  fingerprint: string | undefined;
}

const newKeyPair = promisify(generateKeyPair);

export class Credentials {
  override: BundleOverride | undefined;
  readonly #terms: BundleTerms;
  readonly #keyPair: KeyPair | undefined;
  readonly #unusedTokens = new Set<string>();
  readonly #keys = new Map<string, KnownKey>();

  constructor(terms: BundleTerms, keyPair: KeyPair | undefined) {
    this.#terms = terms;
    this.#keyPair = keyPair;
  }

  issueToken(): string {
    const token = `coda-local-${randomBytes(24).toString('hex')}`;
    this.#unusedTokens.add(token);
    return token;
  }

  async issueKey(): Promise<IssuedKey> {
    const pair = this.#keyPair ?? (await newKeyPair('rsa', { modulusLength: 2048 }));
    const keyId = `key-${randomBytes(6).toString('hex')}`;
    this.#keys.set(keyId, { publicKey: pair.publicKey, fingerprint: undefined });
    const privateKeyPem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { keyId, privateKeyPem };
  }

  /** Checks who connects, and returns the function that answers; only calling it uses the token up. */
  async checkConnect(
    authorization: string | undefined,
    fingerprint: string,
  ): Promise<{ mode: 'token' | 'jwt'; accept: () => Promise<unknown> }> {
    const bearer = bearerOf(authorization);
    if (bearer.split('.').length === 3) {
      const keyId = await this.#verify(bearer);
      return { mode: 'jwt', accept: async () => this.#reconnect(keyId, fingerprint) };
    }
    this.#mustBeUnused(bearer);
    return { mode: 'token', accept: () => this.#provision(bearer, fingerprint) };
  }

  /** Throws a 401 Refusal unless the header carries a valid JWT of one of our keys. */
  async checkJwt(authorization: string | undefined): Promise<void> {
    await this.#verify(bearerOf(authorization));
  }

  async #verify(jwt: string): Promise<string> {
    const keyId = textIn(jwt, 0, 'kid');
    const known = keyId === undefined ? undefined : this.#keys.get(keyId);
    if (keyId === undefined || known === undefined) {
      const qpuId = textIn(jwt, 1, 'sub');
      // Neither the key nor the QPU is of this cloud: such a node looks for one that had this port before.
      const isStray = qpuId !== undefined && qpuId !== this.#terms.qpuId;
      throw new Refusal(401, `the JWT's kid ${shown(keyId)} is none of this cloud's keys`, { isStray });
    }
    try {
      await verifyToken(jwt, known.publicKey, { keyId, qpuId: this.#terms.qpuId });
    } catch (error) {
      throw new Refusal(401, messageOf(error));
    }
    return keyId;
  }

  #mustBeUnused(token: string): void {
    if (this.#unusedTokens.has(token)) return;
    // Not a violation: a node cannot know whether the token from its operator was used before.
    throw new Refusal(401, 'the token is unknown or has already been used', { isViolation: false });
  }

  async #provision(token: string, fingerprint: string): Promise<unknown> {
    this.#mustBeUnused(token);
    this.#unusedTokens.delete(token);
    const { keyId, privateKeyPem } = await this.issueKey();
    this.#bind(keyId, fingerprint);
    return this.#bundle('token', { jwt_private_key: privateKeyPem, jwt_key_id: keyId });
  }

  #reconnect(keyId: string, fingerprint: string): unknown {
    this.#bind(keyId, fingerprint);
    return this.#bundle('jwt', { jwt_key_id: keyId });
  }

  #bind(keyId: string, fingerprint: string): void {
    const known = this.#keys.get(keyId);
    if (known === undefined) return;
    known.fingerprint ??= fingerprint;
    if (known.fingerprint === fingerprint) return;
    throw new Refusal(
      403,
      `machine_fingerprint is ${shown(fingerprint, 80)}, but this key connected as ${shown(known.fingerprint, 80)}`,
    );
  }

  #bundle(mode: 'token' | 'jwt', credentials: BundleFields): unknown {
    const { qpuId, displayName, nativeGateSet, numQubits, redisUrl, paths, url } = this.#terms;
    const bundle: BundleFields = {
      qpu_id: qpuId,
      qpu_display_name: displayName,
      native_gate_set: nativeGateSet,
      num_qubits: numQubits,
      redis_url: redisUrl,
      stream_key: streamKey(qpuId),
      webapp_url: url(),
      connect_path: paths.connect,
      heartbeat_path: paths.heartbeat,
      webhook_path: paths.webhook,
      webhook_url: url() + paths.webhook,
      connection_mode: 'https',
      vpn: { required: false, interface_hint: null, check_interval_sec: null, probe_targets: [] },
      connect_id: randomUUID(),
      issued_at: new Date().toISOString(),
      ...credentials,
    };
    return this.override === undefined ? bundle : this.override(bundle, mode);
  }
}

function bearerOf(authorization: string | undefined): string {
  const [, bearer] = /^Bearer ([\w.~+/=-]+)$/.exec(authorization ?? '') ?? [];
  if (bearer === undefined) throw new Refusal(401, 'there is no Authorization: Bearer header');
  return bearer;
}

/** A field of the header (0) or of the claims (1). Not verified: it only says whose key to verify with. */
function textIn(jwt: string, part: 0 | 1, name: string): string | undefined {
  try {
    const fields: unknown = JSON.parse(Buffer.from(jwt.split('.')[part] ?? '', 'base64url').toString('utf8'));
    const value = isRecord(fields) ? fields[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
