// The tunnel: OpenVPN on this machine, the interface, and what must answer through it.
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../errors.ts';
import { findVpnProcess, vpnInterface } from '../local-node/vpn-process.ts';
import { failure, ok, warning, type Check, type Finding, type Patient } from './finding.ts';

const TIMEOUT_MS = 5_000;
const OLDEST = [2, 5] as const;
/** Where systems keep programs for administrators. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/sbin', '/opt/homebrew/sbin'];
const check = 'vpn';

export const checkVpn: Check = async (patient) => {
  const { settings, sources } = patient.config;
  if (!settings.vpnRequired) return [ok(check, 'not required')];
  // Before the first start only the cloud knows whether one is needed.
  const isCertain = sources.vpnRequired.source !== 'default';
  const bad = isCertain ? failure : warning;
  if (!settings.nodeAutoVpn) {
    return [
      ok(check, 'OpenVPN is not started by the node (CODA_NODE_AUTO_VPN)'),
      ...(await tunnel(patient, bad)),
    ];
  }
  return [...(await openvpn(patient.env, bad)), ...device(bad), ...(await tunnel(patient, bad))];
};

type Bad = typeof failure;

async function openvpn(env: NodeJS.ProcessEnv, bad: Bad): Promise<Finding[]> {
  const folders = [...(env['PATH'] ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  const binary = folders.map((folder) => join(folder, 'openvpn')).find(isExecutable);
  if (binary === undefined) {
    return [
      bad(
        check,
        'there is no openvpn on this machine',
        'Install it (apt-get install openvpn, brew install openvpn), unless the cloud offers HTTPS mode.',
      ),
    ];
  }
  try {
    // Some versions end with 1 after --version.
    const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: TIMEOUT_MS }).catch(
      (thrown: { stdout?: string }) => ({ stdout: thrown.stdout ?? '' }),
    );
    const [, major = '0', minor = '0'] = /^OpenVPN (\d+)\.(\d+)/.exec(stdout) ?? [];
    const isOld = Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]);
    return isOld
      ? [
          bad(
            check,
            `${binary} has version ${major}.${minor}`,
            `Install OpenVPN ${OLDEST.join('.')} or newer.`,
          ),
        ]
      : [ok(check, `${binary}, version ${major}.${minor}`)];
  } catch (thrown) {
    return [bad(check, `${binary} does not run: ${messageOf(thrown)}`, 'Install it anew.')];
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

async function tunnel({ config, node, live, http }: Patient, bad: Bad): Promise<Finding[]> {
  const { stateDir, vpnInterfaceHint, vpnProbeTargets } = config.settings;
  const isManaged = findVpnProcess(stateDir) !== undefined;
  const name = vpnInterface(vpnInterfaceHint);
  if (node === undefined && !isManaged) return [ok(check, 'no tunnel is expected while no node runs')];
  const state = live?.['vpn_state'];
  const findings: Finding[] = [
    name === null
      ? bad(
          check,
          `there is no tunnel interface${typeof state === 'string' ? ` (${state})` : ''}`,
          'See coda logs and coda-node-openvpn.log in the state directory.',
        )
      : ok(check, `interface ${name}`),
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
          'The tunnel is down, or does not lead there.',
        ),
      );
    }
  }
  return findings;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
