// NO_PROXY as curl reads it: which hosts are asked directly although there is a proxy.
import { BlockList, isIP } from 'node:net';

type Matches = (host: string, port: string) => boolean;

/** Whether a URL is asked without the proxy. `text` has names (with all below them), addresses, CIDR blocks or `*`, apart
 *  by commas or spaces, each also with a port. What is none of these matches nothing. */
export function createNoProxy(text: string): (url: URL) => boolean {
  const rules = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((rule) => rule !== '')
    .map(matcherOf);
  return ({ protocol, hostname, port }) => {
    const host = hostname
      .replace(/^\[|\]$/g, '')
      .replace(/\.$/, '')
      .toLowerCase();
    const number = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
    return rules.some((matches) => matches(host, number));
  };
}

function matcherOf(rule: string): Matches {
  if (rule === '*') return () => true;
  const { target, onlyPort } = parts(rule);
  const matches = hostMatcher(target);
  return (host, port) => (onlyPort === undefined || onlyPort === port) && matches(host);
}

/** `host:port` and `[::1]:port`; a bare IPv6 address has colons of its own. */
function parts(rule: string): { target: string; onlyPort: string | undefined } {
  const [, bracketed, after = ''] = /^\[([^\]]*)\](.*)$/.exec(rule) ?? [];
  if (bracketed !== undefined) {
    const [, block = '', port] = /^(\/\d+)?(?::(\d+))?$/.exec(after) ?? [];
    return { target: bracketed + block, onlyPort: port };
  }
  const [, host, port] = /^([^:]+):(\d+)$/.exec(rule) ?? [];
  return host === undefined ? { target: rule, onlyPort: undefined } : { target: host, onlyPort: port };
}

function hostMatcher(target: string): (host: string) => boolean {
  const [address = '', prefix, ...more] = target.split('/');
  const version = isIP(address);
  if (version !== 0) return addressMatcher(address, version, more.length === 0 ? prefix : 'none');
  const name = target.replace(/^\*?\.+/, '').replace(/\.$/, '');
  if (name === '') return () => false;
  return (host) => host === name || (host.endsWith(`.${name}`) && isIP(host) === 0);
}

function addressMatcher(
  address: string,
  version: number,
  prefix: string | undefined,
): (host: string) => boolean {
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const most = version === 4 ? 32 : 128;
  const length = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity;
  if (length > most) return () => false;
  const block = new BlockList();
  block.addSubnet(address, length, family);
  return (host) => isIP(host) === version && block.check(host, family);
}
