// The node's OpenVPN as the VPN plugin and the operator's commands both need it: where the program is, and which process
// runs the node's profile.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { vpnPidPath } from './layout.ts';
import {
  commandLineOf,
  identifyProcess,
  isProcessRunning,
  readPidFile,
  type ProcessIdentity,
} from './process.ts';

/** Where OpenVPN is often installed although a service's PATH does not name the folder. */
const FOLDERS = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/sbin',
  '/opt/homebrew/sbin',
  '/usr/local/opt/openvpn/sbin',
  'C:\\Program Files\\OpenVPN\\bin',
];

/** The path of the OpenVPN program; undefined if it is not installed. */
export function findOpenvpn(
  env: NodeJS.ProcessEnv,
  folders: readonly string[] = FOLDERS,
): string | undefined {
  const name = process.platform === 'win32' ? 'openvpn.exe' : 'openvpn';
  const inPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...inPath, ...folders].map((folder) => join(folder, name)).find(isProgram);
}

/** Whether a command line is that of an OpenVPN that runs this profile. */
export function isOpenvpnWith(profile: string, commandLine: string): boolean {
  return (
    /(?:^|[/\\])openvpn(?:\.exe)? /.test(commandLine) && `${commandLine} `.includes(` --config ${profile} `)
  );
}

/**
 * The OpenVPN that the PID file of the state directory names; undefined if that process has ended or is another program.
 * It may belong to any user: what it runs is checked, not who runs it.
 */
export function findVpnProcess(stateDir: string, profile: string): ProcessIdentity | undefined {
  const noted = readPidFile(vpnPidPath(stateDir));
  if (noted === undefined || !isProcessRunning(noted)) return undefined;
  const found = identifyProcess(noted.pid);
  return found !== undefined && isOpenvpnWith(profile, commandLineOf(found.pid)) ? found : undefined;
}

/** Whether this is a file that may be run. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
