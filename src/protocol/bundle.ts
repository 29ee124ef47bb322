// The bundle with which the cloud answers a connect (PROTOCOL §1): the identity of the node, and where its jobs are.
// Many values are secret, so errors name the field and the kind of value, never its text.
import { messageOf, NodeError } from '../errors.ts';
import { readPrivateKey } from './jwt.ts';
import { isRecord, kindOf } from './text.ts';

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
  const jwtKeyId = optionalText(value, 'jwt_key_id');
  if (jwtKeyId === undefined && !current.hasKeyId) throw missing('jwt_key_id');
  return defined({
    qpuId: requiredText(value, 'qpu_id'),
    qpuDisplayName: optionalText(value, 'qpu_display_name') ?? optionalText(value, 'qpu_label') ?? '',
    nativeGateSet: requiredText(value, 'native_gate_set'),
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
  const text = url('redis_url', requiredText(fields, 'redis_url'), ['redis:', 'rediss:']);
  const { username, password } = new URL(text);
  try {
    [username, password].forEach(decodeURIComponent);
  } catch {
    throw broken('redis_url', "has a '%' in its user or password that is not part of an escape such as %25");
  }
  return text;
}

function webappUrl(fields: Fields): string {
  const name = isAbsent(fields['webapp_url']) ? 'cloud_base_url' : 'webapp_url';
  if (isAbsent(fields[name])) throw missing('webapp_url');
  return url(name, requiredText(fields, name), ['http:', 'https:']);
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
  if (!/^\/(?!\/)[^\s\\]*$/.test(value)) throw broken(name, "must be a URL path that begins with one '/'");
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
    interfaceHint: value['interface_hint'] === null ? null : optionalText(value, 'interface_hint', 'vpn.'),
    checkIntervalSec: optionalInteger(value, 'check_interval_sec', 1, 2_147_483, 'vpn.'),
    probeTargets: probeTargets(value['probe_targets']),
    profile,
  });
}

function probeTargets(value: unknown): readonly string[] | undefined {
  if (isAbsent(value)) return undefined;
  if (!Array.isArray(value)) throw mismatch('vpn.probe_targets', 'a list of URLs', value);
  const targets = value.map((target: unknown, index) => {
    const name = `vpn.probe_targets[${index}]`;
    if (typeof target !== 'string') throw mismatch(name, 'a URL', target);
    return url(name, target, ['http:', 'https:']);
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
  max = Infinity,
  prefix = '',
): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  const wanted = max === Infinity ? `an integer, ${min} or more` : `an integer from ${min} to ${max}`;
  throw mismatch(prefix + name, wanted, value);
}

function url(name: string, text: string, protocols: readonly string[]): string {
  const parsed = /[\s\p{Cc}]/u.test(text) || !URL.canParse(text) ? undefined : new URL(text);
  if (parsed === undefined || !protocols.includes(parsed.protocol) || parsed.hostname === '') {
    throw broken(
      name,
      `must be a URL with a host that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`,
    );
  }
  return text;
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
