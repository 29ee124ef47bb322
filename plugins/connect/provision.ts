// Turns a bundle into credentials and a session: merges it with the current settings and saves it (PROTOCOL §1, §2).
// It saves before the tunnel is up, so that a VPN failure does not waste the token.
import { NodeError, type ConnectRequest, type Logger, type Settings } from '../../src/index.ts';
import {
  createSigner,
  firstHostUrl,
  parseBundle,
  printable,
  writeState,
  type Bundle,
  type PersistedState,
  type Session,
} from '../../src/kit.ts';

export interface Provision {
  /** The cloud's bundle, unchecked. */
  readonly answer: unknown;
  readonly mode: ConnectRequest['mode'];
  /** Fields that the bundle leaves out keep these values. */
  readonly current: Settings;
  readonly fingerprint: string;
  readonly log: Logger;
}

/** Checks the bundle, saves the credentials and returns the session. */
export async function provision({ answer, mode, current, fingerprint, log }: Provision): Promise<Session> {
  const bundle = checked(answer, mode, current);
  maskSecrets(bundle, log);
  warnOfMove(bundle, current, log);

  const state = stateOf(bundle, current, fingerprint);
  await writeState(current.stateDir, state);
  return sessionOf(bundle, state);
}

/** Nothing is saved of a bundle that is refused; its error says what that means for the operator. */
function checked(answer: unknown, mode: ConnectRequest['mode'], current: Settings): Bundle {
  try {
    return parseBundle(answer, {
      hasPrivateKey: current.jwtPrivateKey !== '',
      hasKeyId: current.jwtKeyId !== '',
    });
  } catch (thrown) {
    if (!(thrown instanceof NodeError)) throw thrown;
    const rest =
      mode === 'token'
        ? 'Nothing was saved, and the token may be used up: get a new one for the next start.'
        : 'Nothing was saved; the credentials of this node stay as they are.';
    throw new NodeError(thrown.message, { cause: thrown, remedy: `${thrown.remedy ?? ''} ${rest}`.trim() });
  }
}

/** Whoever is asked from now on gets the node's JWT and the operator's headers. */
function warnOfMove(bundle: Bundle, current: Settings, log: Logger): void {
  const from = new URL(current.webappUrl);
  const to = new URL(bundle.webappUrl);
  if (to.origin === from.origin) return;
  const unencrypted =
    to.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(to.hostname)
      ? ', WITHOUT encryption: everybody on the way can read them'
      : '';
  log.warn(
    `the cloud at ${from.origin} moves this node to ${printable(to.origin, 300)}: heartbeats, the node's JWT and ` +
      `CODA_NODE_CONNECT_HEADERS go there from now on${unencrypted}. If you do not know this address, stop the node and ask those who run the cloud`,
  );
}

function maskSecrets(bundle: Bundle, log: Logger): void {
  if (bundle.jwtPrivateKey !== undefined) log.mask(bundle.jwtPrivateKey);
  const { password } = new URL(firstHostUrl(bundle.redisUrl));
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
