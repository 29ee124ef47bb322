// What is around the tunnel: the networks of this machine, its gateways, and where the cloud, Redis and the VPN servers are.
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { withDeadline } from '../../../src/kit.ts';
import { addressOf, network, networkOf, sizeOf, type Network } from './networks.ts';
import type { Surroundings } from './rules.ts';

const LOOKUP_MS = 2_000;
const REJECT = 0x200;

interface KernelRoute {
  readonly device: string;
  readonly target: Network;
  readonly gateway: Network | undefined;
}

export interface Places {
  /** The tunnel's own interface; its routes are not the machine's. */
  readonly device: string | undefined;
  /** Names or addresses. */
  readonly servers: readonly string[];
  readonly cloud: readonly string[];
}

export async function lookAround({ device, servers, cloud }: Places): Promise<Surroundings> {
  const routes = kernelRoutes().filter((route) => route.device !== device);
  const isDefault = ({ target }: KernelRoute): boolean => sizeOf(target) === 1n << BigInt(target.bits);
  const [serverAddresses, cloudAddresses] = await Promise.all([addressesOf(servers), addressesOf(cloud)]);
  return {
    local: [
      ...routes.filter((route) => !isDefault(route)).map(({ target }) => target),
      ...(process.platform === 'linux' ? [] : interfaceNetworks(device)),
    ],
    gateways: routes.filter(isDefault).flatMap(({ gateway }) => gateway ?? []),
    servers: serverAddresses,
    cloud: cloudAddresses,
  };
}

/** What the kernel sends into `device`; elsewhere than on Linux only its own networks are known. */
export function routesInto(device: string): Network[] {
  if (process.platform !== 'linux') return interfaceNetworks(undefined, device);
  // The kernel gives every interface its link-local network by itself.
  const link = networkOf('fe80::/10');
  const multicast = networkOf('ff00::/8');
  return kernelRoutes()
    .filter((route) => route.device === device)
    .map(({ target }) => target)
    .filter(
      (target) =>
        ![link, multicast].some(
          (one) =>
            one !== undefined && target.bits === 128 && target.first >= one.first && target.last <= one.last,
        ),
    );
}

async function addressesOf(hosts: readonly string[]): Promise<Network[]> {
  const found = await Promise.all(
    [...new Set(hosts)].map(async (host) => {
      const known = addressOf(host);
      if (known !== undefined) return [known];
      const answers = await withDeadline(lookup(host, { all: true }), LOOKUP_MS, 'no answer').catch(() => []);
      return answers.flatMap(({ address }) => addressOf(address) ?? []);
    }),
  );
  return found.flat();
}

/** The main table of IPv4, and those of IPv6; empty elsewhere than on Linux. */
function kernelRoutes(): KernelRoute[] {
  const v4 = linesOf('/proc/net/route').flatMap((line) => {
    const [device = '', to = '', via = '', flags = '', , , , mask = ''] = line.split(/\s+/);
    if (!/^[\dA-F]{8}$/.test(to) || (Number(`0x${flags}`) & REJECT) !== 0) return [];
    const prefix = littleEndian(mask).toString(2).replaceAll('0', '').length;
    const gateway = littleEndian(via);
    return [
      {
        device,
        target: network(littleEndian(to), prefix, 32),
        gateway: gateway === 0n ? undefined : network(gateway, 32, 32),
      },
    ];
  });
  const v6 = linesOf('/proc/net/ipv6_route').flatMap((line) => {
    const [to = '', prefix = '', , , via = '', , , , flags = '', device = ''] = line.trim().split(/\s+/);
    if (!/^[\da-f]{32}$/.test(to) || (Number(`0x${flags}`) & REJECT) !== 0 || device === 'lo') return [];
    const gateway = BigInt(`0x${via}`);
    return [
      {
        device,
        target: network(BigInt(`0x${to}`), Number(`0x${prefix}`), 128),
        gateway: gateway === 0n ? undefined : network(gateway, 128, 128),
      },
    ];
  });
  return [...v4, ...v6];
}

function littleEndian(hex: string): bigint {
  return BigInt(`0x${(hex.match(/../g) ?? ['0']).toReversed().join('')}`);
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'latin1').split('\n');
  } catch {
    return [];
  }
}

/** Without tunnels, whose names are the system's choice, or only those of `only`. */
function interfaceNetworks(except: string | undefined, only?: string): Network[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) =>
      only === undefined ? name !== except && !/^u?tun|^tap|openvpn/i.test(name) : name === only,
    )
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ internal, scopeid }) => !internal && (scopeid ?? 0) === 0)
    .flatMap(({ cidr }) => (cidr === null ? [] : (networkOf(cidr) ?? [])));
}
