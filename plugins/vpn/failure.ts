// Tells the operator why OpenVPN did not come up: the last lines of its log, without secrets, and what to do.
import { readFileSync } from 'node:fs';
import { messageOf, VPNError } from '../../src/index.ts';

const TAIL_LINES = 12;
const TAIL_BYTES = 16_384;

interface Remedy {
  readonly sign: RegExp;
  readonly remedy: string;
}

/** What the log may say, and what helps; the first match is shown. */
const REMEDIES: readonly Remedy[] = [
  {
    sign: /Cannot open TUN\/TAP dev \S*: (?:No such file|No such device)|Cannot find.*(?:tun|tap)/i,
    remedy:
      'There is no /dev/net/tun here. Load the module (modprobe tun); a container needs --device /dev/net/tun and --cap-add NET_ADMIN.',
  },
  {
    sign: /Cannot (?:open TUN\/TAP dev|ioctl TUNSETIFF)|Operation not permitted|Permission denied|EPERM/i,
    remedy:
      'The node has no right to create a tunnel. Run it as root or with the capability CAP_NET_ADMIN ' +
      '(systemd: AmbientCapabilities=CAP_NET_ADMIN), and let it open /dev/net/tun.',
  },
  {
    sign: /RESOLVE: Cannot resolve host/i,
    remedy: "This machine cannot resolve the VPN server's name: check the network and its DNS.",
  },
  {
    sign: /AUTH_FAILED/,
    remedy: 'The VPN server rejects the certificate: get a new profile in Coda.',
  },
  {
    sign: /VERIFY (?:EKU|KU) ERROR/i,
    remedy:
      "The VPN server's certificate is not marked as one of a server. Have it made with the extended key usage " +
      "serverAuth, or have 'verify-x509-name' with its name put into the profile.",
  },
  {
    sign: /VERIFY ERROR|certificate verify failed|certificate has expired|not yet valid/i,
    remedy:
      "A certificate is not valid. Check the machine's clock; if it is right, get a new profile in Coda.",
  },
  {
    sign: /Options error|Unrecognized option|Cannot load|error loading|unsupported|Failed to set/i,
    remedy: 'This OpenVPN rejects the profile: install OpenVPN 2.5 or newer, or get a new profile in Coda.',
  },
  {
    sign: /TLS key negotiation failed|TLS handshake failed|Connection refused|No route to host|Network is unreachable|timed out/i,
    remedy:
      'The VPN server does not answer. Let the port of `remote` in the profile out through the firewall.',
  },
];

/** A VPNError that begins with `what`, and ends with the last lines of the log and the remedy. */
export function vpnFailure(what: string, logPath: string): VPNError {
  const tail = logTail(logPath);
  const remedy = REMEDIES.find(({ sign }) => sign.test(tail))?.remedy ?? `The whole log is in ${logPath}.`;
  const shown = tail === '' ? '' : `\n    ${tail.replaceAll('\n', '\n    ')}`;
  return new VPNError(`${what}${shown}`, { remedy });
}

export function cannotSpawn(program: string, cause: unknown): VPNError {
  return new VPNError(`${program} cannot be started: ${messageOf(cause)}`, { cause, remedy: INSTALL });
}

export function notInstalled(): VPNError {
  return new VPNError('the cloud requires a VPN, but OpenVPN is not installed on this machine', {
    remedy: INSTALL,
  });
}

const INSTALL =
  'Install OpenVPN (Debian, Ubuntu: apt-get install openvpn; macOS: brew install openvpn), ' +
  'or bring the tunnel up yourself and set CODA_NODE_AUTO_VPN=false.';

/** The last lines of the log; empty if there is none. */
export function logTail(path: string): string {
  try {
    const text = readFileSync(path, 'utf8').slice(-TAIL_BYTES);
    return masked(text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n'));
  } catch {
    return '';
  }
}

/** Hides what would let others into the tunnel: passwords, session tokens and keys that OpenVPN may quote. */
export function masked(text: string): string {
  return text
    .replace(/(auth-token(?:-user)?|password|passwd|secret)([\s=:'"]+)[^\s,'"]+/gi, '$1$2***')
    .replace(/[A-Za-z0-9+/]{32,}={0,2}/g, '***');
}
