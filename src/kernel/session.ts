// What a connect has settled: who the node is, where Redis and the cloud are, how requests are signed.
import type { TokenSigner } from '../protocol/jwt.ts';
import { isRecord, kindOf } from '../protocol/text.ts';

export interface VpnTerms {
  readonly required: boolean;
  readonly checkIntervalSec: number;
  readonly interfaceHint: string | null;
  readonly probeTargets: readonly string[];
  /** OpenVPN client profile, if this connect brought one. */
  readonly profile?: string;
}

export interface Session {
  readonly qpuId: string;
  readonly qpuDisplayName: string;
  readonly nativeGateSet: string;
  readonly numQubits: number;
  readonly machineFingerprint: string;
  readonly redisUrl: string;
  readonly webappUrl: string;
  readonly heartbeatPath: string;
  readonly vpn: VpnTerms;
  readonly signer: TokenSigner;
}

const KINDS = {
  qpuId: 'string',
  nativeGateSet: 'string',
  numQubits: 'number',
  redisUrl: 'string',
  webappUrl: 'string',
  heartbeatPath: 'string',
  vpn: 'object',
  signer: 'object',
} as const;

/** The answer of a tap of `connect`. Throws a TypeError that names what is wrong with it. */
export function takeSession(answer: unknown): unknown {
  if (!isRecord(answer)) throw new TypeError(`it returned ${kindOf(answer)}, not a session`);
  for (const [name, kind] of Object.entries(KINDS)) {
    const value = answer[name];
    if (typeof value === kind && value !== null) continue;
    throw new TypeError(
      `the ${name} of the session that it returned is ${kindOf(value)}, not a${kind === 'object' ? 'n' : ''} ${kind}`,
    );
  }
  return answer;
}
