// Turns a bundle into credentials and a session: merges it with the current settings and saves it (PROTOCOL §1, §2).
// It saves before the tunnel is up, so that a VPN failure does not waste the token.
import type { Logger, Settings } from '../../src/index.ts';
import {
  createSigner,
  parseBundle,
  writeState,
  type Bundle,
  type PersistedState,
  type Session,
} from '../../src/kit.ts';

/** Checks the bundle, saves the credentials and returns the session. Absent fields keep their `current` value. */
export async function provision(
  answer: unknown,
  current: Settings,
  fingerprint: string,
  log: Logger,
): Promise<Session> {
  const bundle = parseBundle(answer, {
    hasPrivateKey: current.jwtPrivateKey !== '',
    hasKeyId: current.jwtKeyId !== '',
  });
  maskSecrets(bundle, log);

  const state = stateOf(bundle, current, fingerprint);
  await writeState(current.stateDir, state);
  return sessionOf(bundle, state);
}

function maskSecrets(bundle: Bundle, log: Logger): void {
  if (bundle.jwtPrivateKey !== undefined) log.mask(bundle.jwtPrivateKey);
  const { password } = new URL(bundle.redisUrl);
  if (password === '') return;
  log.mask(password);
  log.mask(decodeURIComponent(password));
}

function stateOf(bundle: Bundle, current: Settings, fingerprint: string): Required<PersistedState> {
  const { vpn } = bundle;
  return {
    qpuId: bundle.qpuId,
    qpuDisplayName: bundle.qpuDisplayName,
    nativeGateSet: bundle.nativeGateSet,
    numQubits: bundle.numQubits ?? current.numQubits,
    jwtKeyId: bundle.jwtKeyId ?? current.jwtKeyId,
    jwtPrivateKey: bundle.jwtPrivateKey ?? current.jwtPrivateKey,
    redisUrl: bundle.redisUrl,
    webappUrl: bundle.webappUrl,
    connectPath: bundle.connectPath ?? current.connectPath,
    heartbeatPath: bundle.heartbeatPath ?? current.heartbeatPath,
    webhookPath: bundle.webhookPath ?? current.webhookPath,
    nodeMachineFingerprint: fingerprint,
    vpnRequired: vpn?.required ?? current.vpnRequired,
    vpnCheckIntervalSec: vpn?.checkIntervalSec ?? current.vpnCheckIntervalSec,
    vpnInterfaceHint: vpn?.interfaceHint === undefined ? current.vpnInterfaceHint : vpn.interfaceHint,
    vpnProbeTargets: vpn?.probeTargets ?? current.vpnProbeTargets,
    nodeAutoVpn: current.nodeAutoVpn,
    nodeVpnProfilePath: current.nodeVpnProfilePath,
  };
}

async function sessionOf(bundle: Bundle, state: Required<PersistedState>): Promise<Session> {
  const profile = bundle.vpn?.profile;
  return {
    qpuId: state.qpuId,
    qpuDisplayName: state.qpuDisplayName,
    nativeGateSet: state.nativeGateSet,
    numQubits: state.numQubits,
    machineFingerprint: state.nodeMachineFingerprint,
    redisUrl: state.redisUrl,
    webappUrl: state.webappUrl,
    heartbeatPath: state.heartbeatPath,
    vpn: {
      required: state.vpnRequired,
      checkIntervalSec: state.vpnCheckIntervalSec,
      interfaceHint: state.vpnInterfaceHint,
      probeTargets: state.vpnProbeTargets,
      ...(profile === undefined ? {} : { profile }),
    },
    signer: await createSigner({
      qpuId: state.qpuId,
      keyId: state.jwtKeyId,
      privateKeyPem: state.jwtPrivateKey,
    }),
  };
}
