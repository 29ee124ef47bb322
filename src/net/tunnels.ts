// Which tunnel interfaces this machine has, and whether they are up: `ip` on Linux, `ifconfig` on macOS, Get-NetAdapter on
// Windows (PROTOCOL §12). The parsers are separate from the commands, so that they can be tested on recorded output.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import { isRecord } from '../protocol/text.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 5_000;

export interface TunnelInterface {
  readonly name: string;
  /** A process serves it, and it has an address. */
  readonly up: boolean;
}

/** A platform's way to list its interfaces. */
export interface InterfaceLister {
  readonly command: readonly [program: string, ...args: string[]];
  parse(output: string): TunnelInterface[];
}

const WINDOWS_QUERY =
  '@(Get-NetAdapter | Select-Object Name,InterfaceDescription,Status) | ConvertTo-Json -Compress';

export const LISTERS: Readonly<Partial<Record<NodeJS.Platform, InterfaceLister>>> = {
  linux: { command: ['ip', '-json', 'address', 'show'], parse: parseIp },
  darwin: { command: ['/sbin/ifconfig', '-a'], parse: parseIfconfig },
  win32: {
    command: ['powershell.exe', '-NoProfile', '-NonInteractive', '-Command', WINDOWS_QUERY],
    parse: parseNetAdapter,
  },
};

/** The tunnel interface to use, and what is wrong with it, for people. Never rejects. */
export async function findTunnel(
  name: string | undefined,
): Promise<{ found?: TunnelInterface; problem: string | undefined }> {
  try {
    const found = chooseTunnel(await listTunnels(), name);
    if (found === undefined) {
      return {
        problem: name === undefined ? 'there is no tunnel interface' : `there is no interface ${name}`,
      };
    }
    return { found, problem: found.up ? undefined : `the interface ${found.name} is not up` };
  } catch (thrown) {
    return { problem: `the interfaces cannot be listed: ${messageOf(thrown)}` };
  }
}

/** The tunnel interfaces of this machine. Rejects if the platform's command fails. */
async function listTunnels(platform: NodeJS.Platform = process.platform): Promise<TunnelInterface[]> {
  const lister = LISTERS[platform];
  if (lister === undefined) throw new Error(`interfaces cannot be listed on ${platform}`);
  const [program, ...args] = lister.command;
  const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  const env = platform === 'linux' ? { PATH, LC_ALL: 'C' } : process.env;
  const { stdout } = await run(program, args, { timeout: TIMEOUT_MS, env, windowsHide: true });
  return lister.parse(stdout);
}

/** The interface called `name`, exactly; if no name is known, any tunnel, if possible one that is up. */
export function chooseTunnel(
  tunnels: readonly TunnelInterface[],
  name: string | undefined,
): TunnelInterface | undefined {
  if (name !== undefined) return tunnels.find((tunnel) => tunnel.name === name);
  return tunnels.find((tunnel) => tunnel.up) ?? tunnels[0];
}

/** `ip -json address show`. A tun device never reports `state UP`, so its flags decide. */
export function parseIp(output: string): TunnelInterface[] {
  const links: unknown = JSON.parse(output);
  if (!Array.isArray(links)) throw new Error('`ip` did not print a list');
  return links.filter(isRecord).flatMap((link) => {
    const { ifname, link_type: type, flags, addr_info: addresses } = link;
    if (typeof ifname !== 'string' || !Array.isArray(flags)) return [];
    const isTunnel = type === 'none' || type === 'ppp' || flags.includes('POINTOPOINT');
    if (!isTunnel) return [];
    const hasAddress =
      Array.isArray(addresses) && addresses.some((one: unknown) => isRecord(one) && one['scope'] !== 'link');
    return [{ name: ifname, up: flags.includes('UP') && flags.includes('LOWER_UP') && hasAddress }];
  });
}

/** `ifconfig -a` of macOS. The system's own utun devices have no IPv4 address. */
export function parseIfconfig(output: string): TunnelInterface[] {
  return output.split(/^(?=\S)/m).flatMap((block) => {
    const [, name, flags = ''] = /^([\w.-]+): flags=\w+<([^>]*)>/.exec(block) ?? [];
    if (name === undefined || !/^(?:utun|tun|tap|ppp|ipsec)\d*$/.test(name)) return [];
    const set = new Set(flags.split(','));
    const hasAddress = /^\s+inet \d/m.test(block) || /^\s+inet6 (?!fe80:)/m.test(block);
    return [{ name, up: set.has('UP') && set.has('RUNNING') && hasAddress }];
  });
}

/** `Get-NetAdapter` as JSON: one object if there is only one adapter. */
export function parseNetAdapter(output: string): TunnelInterface[] {
  if (output.trim() === '') return [];
  const found: unknown = JSON.parse(output);
  const adapters: unknown[] = Array.isArray(found) ? found : [found];
  return adapters.filter(isRecord).flatMap(({ Name: name, InterfaceDescription: kind, Status: status }) => {
    if (typeof name !== 'string' || typeof kind !== 'string') return [];
    return /openvpn|tap-windows|wintun|ovpn-dco|wireguard/i.test(kind) ? [{ name, up: status === 'Up' }] : [];
  });
}
