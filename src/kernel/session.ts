// What a connect has settled: who the node is, where Redis and the cloud are, how requests are signed.
import type { TokenSigner } from '../protocol/jwt.ts';

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
