// Which networks may lead into the tunnel. A tunnel is for the cloud's own hosts: neither a profile nor the server may
// take over the machine's traffic, with one broad route or with many small ones.
import { coveredBy, isInside, networkOf, networkText, overlap, sizeOf, type Network } from './networks.ts';

/** What is around the tunnel. */
export interface Surroundings {
  /** Networks that this machine reaches without the tunnel, but for the default route. */
  readonly local: readonly Network[];
  readonly gateways: readonly Network[];
  /** The addresses of the VPN servers. */
  readonly servers: readonly Network[];
  /** The addresses of the cloud and of Redis. */
  readonly cloud: readonly Network[];
}

export const NOTHING_AROUND: Surroundings = { local: [], gateways: [], servers: [], cloud: [] };

export interface Verdicts {
  readonly taken: readonly Network[];
  readonly refused: readonly { readonly target: Network; readonly why: string }[];
}

/** Never of use in a tunnel: this machine itself, its own link, multicast, reserved. */
const SPECIAL = networks(
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/127',
  'fe80::/10',
  'ff00::/8',
);
const PRIVATE = networks(
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '198.18.0.0/15',
  'fc00::/7',
);
/** How much of the public internet routes may cover together: a /8 of IPv4, a /20 of IPv6. */
const MOST_PUBLIC = { 32: 1n << 24n, 128: 1n << 108n } as const;

const BROAD = 'it covers too much of the internet';
const TOGETHER = 'together with the others it covers too much of the internet';

/** Judges each network, and then all together. */
export function judgeRoutes(targets: readonly Network[], around: Surroundings): Verdicts {
  const refused: { target: Network; why: string }[] = [];
  const refuseIf = (list: readonly Network[], why: (target: Network) => string | undefined): Network[] =>
    list.filter((target) => {
      const reason = why(target);
      if (reason !== undefined) refused.push({ target, why: reason });
      return reason === undefined;
    });
  let taken = refuseIf(targets, (target) => whyNot(target, around));
  for (const bits of [32, 128] as const) {
    const open = taken.filter((target) => target.bits === bits && isPublic(target));
    if (coveredBy(open) > MOST_PUBLIC[bits]) {
      taken = refuseIf(taken, (target) => (target.bits === bits && isPublic(target) ? TOGETHER : undefined));
    }
  }
  return { taken, refused };
}

function whyNot(target: Network, around: Surroundings): string | undefined {
  const broad = isPublic(target) && sizeOf(target) > MOST_PUBLIC[target.bits];
  if (broad) return BROAD;
  if (SPECIAL.some((special) => overlap(special, target)))
    return 'it covers loopback, link-local or reserved addresses';
  const ownRoute = around.local.filter((own) => sizeOf(own) > 0n);
  const leads = (address: Network): boolean =>
    isInside(address, target) &&
    !ownRoute.some((own) => isInside(address, own) && sizeOf(own) < sizeOf(target));
  if (around.gateways.some(leads)) return "it covers the address of this machine's default gateway";
  if (around.servers.some(leads))
    return 'it covers the address of the VPN server, so that the tunnel would lead into itself';
  // A route to one host of the cloud is what a tunnel is for.
  if (sizeOf(target) === 1n && around.cloud.some((host) => isInside(host, target))) return undefined;
  const own = ownRoute.find((one) => isInside(target, one));
  if (own !== undefined)
    return `it lies within ${networkText(own)}, which this machine reaches without the tunnel`;
  if (around.cloud.some((host) => isPublic(host) && leads(host)))
    return 'it covers the public address of the cloud or of Redis, and more than that one host';
  return undefined;
}

function isPublic(target: Network): boolean {
  return !PRIVATE.some((one) => isInside(target, one));
}

function networks(...texts: string[]): Network[] {
  return texts.flatMap((text) => networkOf(text) ?? []);
}
