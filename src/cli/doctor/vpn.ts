// The VPN: OpenVPN on this machine, the tunnel's interface, and the hosts that must answer through it.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf } from '../../errors.ts';
import { vpnLogPath } from '../../state/layout.ts';
import { findOpenvpn, findVpnProcess } from '../../state/openvpn.ts';
import { findTunnel } from '../../net/tunnels.ts';
import { failure, ok, warning, type Check, type Finding, type DoctorContext } from './finding.ts';

const TIMEOUT_MS = 5_000;
const OLDEST = [2, 5] as const;
const check = 'vpn';

export const checkVpn: Check = async (context) => {
  const { settings, sources } = context.config;
  if (!settings.vpnRequired) return [ok(check, 'not required')];
  // Before the first start only the cloud knows whether a VPN is required.
  const isCertain = sources.vpnRequired.source !== 'default';
  const bad = isCertain ? failure : warning;
  if (!settings.nodeAutoVpn) {
    return [
      ok(check, 'the node does not start OpenVPN itself (CODA_NODE_AUTO_VPN)'),
      ...(await tunnel(context, bad)),
    ];
  }
  return [...(await openvpn(context.env, bad)), ...device(bad), ...(await tunnel(context, bad))];
};

type Bad = typeof failure;

async function openvpn(env: NodeJS.ProcessEnv, bad: Bad): Promise<Finding[]> {
  const program = findOpenvpn(env);
  if (program === undefined) {
    return [
      bad(
        check,
        'OpenVPN is not installed on this machine',
        'Install it (apt-get install openvpn, brew install openvpn), unless the cloud offers HTTPS mode.',
      ),
    ];
  }
  try {
    // Some versions end with 1 after --version.
    const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: TIMEOUT_MS }).catch(
      (thrown: { stdout?: string }) => ({ stdout: thrown.stdout ?? '' }),
    );
    const [, major = '0', minor = '0'] = /^OpenVPN (\d+)\.(\d+)/.exec(stdout) ?? [];
    const isOld = Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]);
    return isOld
      ? [
          bad(
            check,
            `${program} has version ${major}.${minor}`,
            `Install OpenVPN ${OLDEST.join('.')} or newer.`,
          ),
        ]
      : [ok(check, `${program}, version ${major}.${minor}`)];
  } catch (thrown) {
    return [bad(check, `${program} does not run: ${messageOf(thrown)}`, 'Install it again.')];
  }
}

function device(bad: Bad): Finding[] {
  if (process.platform !== 'linux' || existsSync('/dev/net/tun')) return [];
  return [
    bad(
      check,
      'there is no /dev/net/tun',
      'Load the module (modprobe tun); in a container add --device /dev/net/tun and --cap-add NET_ADMIN.',
    ),
  ];
}

async function tunnel({ config, node, live, http }: DoctorContext, bad: Bad): Promise<Finding[]> {
  const { stateDir, vpnInterfaceHint, vpnProbeTargets, nodeVpnProfilePath } = config.settings;
  const isManaged = findVpnProcess(stateDir, nodeVpnProfilePath) !== undefined;
  if (node === undefined && !isManaged) return [ok(check, 'no tunnel is needed while no node runs')];
  const state = live?.['vpn_state'];
  if (state === 'booting' && !isManaged)
    return [ok(check, 'no tunnel yet: the running node has not connected')];
  const { found, problem } = await findTunnel(vpnInterfaceHint ?? undefined);
  const findings: Finding[] = [
    found === undefined || problem !== undefined
      ? bad(
          check,
          `${problem}${typeof state === 'string' ? ` (${state})` : ''}`,
          `See coda logs and ${vpnLogPath(stateDir)}.`,
        )
      : ok(check, `interface ${found.name}`),
  ];
  for (const url of vpnProbeTargets) {
    const { host } = new URL(url);
    try {
      const { status } = await http.request({ method: 'HEAD', url, timeoutMs: TIMEOUT_MS });
      findings.push(ok(check, `${host} answers (${status})`));
    } catch (thrown) {
      findings.push(
        bad(
          check,
          `${host} does not answer: ${messageOf(thrown)}`,
          'The tunnel is down, or has no route to it.',
        ),
      );
    }
  }
  return findings;
}
