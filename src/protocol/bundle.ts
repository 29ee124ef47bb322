// The bundle with which the cloud answers a connect (PROTOCOL §1): the identity of the node, and where its jobs are.
// Many values are secret, so errors name the field and the kind of value, never its text.
import { messageOf, NodeError } from '../errors.ts';
import { readPrivateKey } from './jwt.ts';
import { isRecord, kindOf, printable } from './text.ts';
import { isUrl, LONGEST_URL, readRedisUrl } from './urls.ts';

/** In characters. */
const LONGEST_ID = 128;
const LONGEST_TEXT = 200;
const LONGEST_PATH = 500;
const MOST_TARGETS = 20;

/** A valid bundle. An absent field keeps the value that the node has. */
export interface Bundle {
  readonly qpuId: string;
  readonly qpuDisplayName: string;
  readonly nativeGateSet: string;
  /** At least 1, without an upper limit: 50 is a circuit's limit. */
  readonly numQubits?: number;
  /** PEM, always PKCS8. */
  readonly jwtPrivateKey?: string;
  readonly jwtKeyId?: string;
  readonly redisUrl: string;
  readonly webappUrl: string;
  readonly connectPath?: string;
  readonly heartbeatPath?: string;
  readonly webhookPath?: string;
  readonly vpn?: VpnBundle;
}

export interface VpnBundle {
  /** False: HTTPS mode, no OpenVPN at all. */
  readonly required?: boolean;
  /** Null: the cloud names no interface. */
  readonly interfaceHint?: string | null;
  /** Seconds, at least 1, as long as a timer can be. */
  readonly checkIntervalSec?: number;
  /** http(s) URLs, at least one. */
  readonly probeTargets?: readonly string[];
  /** The OpenVPN client profile, not checked here. */
  readonly profile?: string;
}

/** Which credentials the node has, from an earlier bundle or its settings. */
export interface CurrentCredentials {
  readonly hasPrivateKey: boolean;
  readonly hasKeyId: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Validates the cloud's answer (PROTOCOL §1); a NodeError names the field that breaks a rule. */
export function parseBundle(value: unknown, current: CurrentCredentials): Bundle {
  if (!isRecord(value)) throw new NodeError(`the cloud's bundle is not a JSON object but ${kindOf(value)}`);
  const jwtPrivateKey = privateKey(value, current.hasPrivateKey);
  const jwtKeyId = optionalId(value, 'jwt_key_id');
  if (jwtKeyId === undefined && !current.hasKeyId) throw missing('jwt_key_id');
  return defined({
    qpuId: optionalId(value, 'qpu_id') ?? fail(missing('qpu_id')),
    qpuDisplayName: label(value, 'qpu_display_name') ?? label(value, 'qpu_label') ?? '',
    nativeGateSet: optionalId(value, 'native_gate_set') ?? fail(missing('native_gate_set')),
    numQubits: optionalInteger(value, 'num_qubits', 1),
    jwtPrivateKey,
    jwtKeyId,
    redisUrl: redisUrl(value),
    webappUrl: webappUrl(value),
    connectPath: path(value, 'connect_path'),
    heartbeatPath: path(value, 'heartbeat_path'),
    webhookPath: path(value, 'webhook_path'),
    vpn: vpn(value['vpn']),
  });
}

function redisUrl(fields: Fields): string {
  const text = requiredText(fields, 'redis_url');
  const address = readRedisUrl(text);
  if (typeof address === 'string') throw broken('redis_url', address);
  return text;
}

function webappUrl(fields: Fields): string {
  const name = isAbsent(fields['webapp_url']) ? 'cloud_base_url' : 'webapp_url';
  if (isAbsent(fields[name])) throw missing('webapp_url');
  const text = httpUrl(name, requiredText(fields, name));
  // Paths are written behind it.
  if (/[?#]/.test(text) || new URL(text).username + new URL(text).password !== '')
    throw broken(name, 'must have no user, no query and no fragment');
  return text;
}

function privateKey(fields: Fields, hasCurrent: boolean): string | undefined {
  const pem = optionalText(fields, 'jwt_private_key');
  if (pem === undefined) {
    if (!hasCurrent) throw missing('jwt_private_key');
    return undefined;
  }
  try {
    return readPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch (error) {
    const [fault = ''] = messageOf(error).split('\n');
    throw broken('jwt_private_key', `cannot be used: ${fault}`, error);
  }
}

/** Paths are used if they are non-empty strings; anything else counts as absent (PROTOCOL §1). */
function path(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') return undefined;
  // `//host/path` would be the URL of another host once it is resolved against the base.
  if (!/^\/(?!\/)[!-[\]-~]*$/.test(value) || value.length > LONGEST_PATH)
    throw broken(
      name,
      `must be a URL path of at most ${LONGEST_PATH} ASCII characters that begins with one '/'`,
    );
  return value;
}

function vpn(value: unknown): VpnBundle | undefined {
  if (isAbsent(value)) return undefined;
  if (!isRecord(value)) throw mismatch('vpn', 'an object', value);
  const required = value['required'] ?? undefined;
  if (required !== undefined && typeof required !== 'boolean')
    throw mismatch('vpn.required', 'a boolean', required);
  const profile = optionalText(value, 'client_profile_ovpn', 'vpn.');
  if (required === true && profile === undefined) {
    throw broken('vpn.client_profile_ovpn', "is missing although 'vpn.required' is true");
  }
  return defined({
    required,
    interfaceHint: value['interface_hint'] === null ? null : label(value, 'interface_hint', 'vpn.'),
    checkIntervalSec: optionalInteger(value, 'check_interval_sec', 1, 2_147_483, 'vpn.'),
    probeTargets: probeTargets(value['probe_targets']),
    profile,
  });
}

function probeTargets(value: unknown): readonly string[] | undefined {
  if (isAbsent(value)) return undefined;
  if (!Array.isArray(value)) throw mismatch('vpn.probe_targets', 'a list of URLs', value);
  if (value.length > MOST_TARGETS) throw mismatch('vpn.probe_targets', `at most ${MOST_TARGETS} URLs`, value);
  const targets = value.map((target: unknown, index) => {
    const name = `vpn.probe_targets[${index}]`;
    if (typeof target !== 'string') throw mismatch(name, 'a URL', target);
    return httpUrl(name, target);
  });
  return targets.length === 0 ? undefined : targets;
}

function requiredText(fields: Fields, name: string): string {
  const text = optionalText(fields, name);
  if (text === undefined || text.trim() === '') throw missing(name);
  return text;
}

/** Undefined for an absent, null or empty field: the cloud uses all three for "none". */
function optionalText(fields: Fields, name: string, prefix = ''): string | undefined {
  const value = fields[name];
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'string') throw mismatch(prefix + name, 'a string', value);
  return value;
}

function optionalInteger(
  fields: Fields,
  name: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
  prefix = '',
): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  const wanted =
    max === Number.MAX_SAFE_INTEGER ? `an integer, ${min} or more` : `an integer from ${min} to ${max}`;
  throw mismatch(prefix + name, wanted, value);
}

/** A name of something: it becomes part of keys, headers and log lines. */
function optionalId(fields: Fields, name: string): string | undefined {
  const text = optionalText(fields, name);
  if (text !== undefined && text.trim() === '') return undefined;
  if (text === undefined || (/^[!-~]+$/.test(text) && text.length <= LONGEST_ID)) return text;
  throw broken(name, `must be 1 to ${LONGEST_ID} printable ASCII characters without spaces`);
}

/** A text for people. */
function label(fields: Fields, name: string, prefix = ''): string | undefined {
  const text = optionalText(fields, name, prefix);
  if (text === undefined || (text.length <= LONGEST_TEXT && printable(text, LONGEST_TEXT) === text))
    return text;
  throw broken(prefix + name, `must be at most ${LONGEST_TEXT} printable characters on one line`);
}

function httpUrl(name: string, text: string): string {
  if (isUrl(text, ['http:', 'https:'])) return text;
  throw broken(
    name,
    `must be a URL with a host that begins with http:// or https://, of at most ${LONGEST_URL} characters`,
  );
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** `fields` without those that are undefined, so that spreading the bundle over settings keeps their values. */
function defined<T extends object>(fields: T): Defined<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}

function fail(error: NodeError): never {
  throw error;
}

function missing(name: string): NodeError {
  return broken(name, 'is missing or empty');
}

/** Shows numbers, since they are not secret; of other values only their kind. */
function mismatch(name: string, wanted: string, value: unknown): NodeError {
  return broken(name, `must be ${wanted}, got ${typeof value === 'number' ? value : kindOf(value)}`);
}

function broken(name: string, fault: string, cause?: unknown): NodeError {
  return new NodeError(`bundle field '${name}' ${fault}`, {
    remedy: 'The cloud sent settings that this node cannot use: check the settings of the QPU in Coda.',
    cause,
  });
}
