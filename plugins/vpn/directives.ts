// What a profile may say: the table of allowed directives and of the form of their values, and what is left out.
// Everything else is refused. A directive that runs a program, loads a library or names a file must never be added.

import {
  cipherFault,
  digestFault,
  withoutWeakCiphers,
  withoutWeakSuites,
  type Hardened,
} from './algorithms.ts';
import { judgeRoutes, NOTHING_AROUND } from './routes/rules.ts';
import { routeTarget } from './routes/pushes.ts';

/** Why the words of a directive are refused; undefined if they are accepted. */
type Check = (words: readonly string[]) => string | undefined;

export interface Directive {
  readonly check: Check;
  /** May be in the profile more than once, with different values. */
  readonly repeatable?: true;
  /** What is written for accepted words that the node does not take as they are, and why. */
  readonly instead?: (words: readonly string[]) => Hardened | undefined;
}

/** A pattern for one word, and its description. */
interface Form {
  readonly pattern: RegExp;
  readonly is: string;
  /** The greatest value, if the word is a number. */
  readonly max?: number;
}

const HOST: Form = {
  pattern: /^(?=.{1,253}$)(?:[a-z\d][\w-]{0,62}(?:\.[\w-]{1,63})*\.?|[\da-f:]*:[\da-f:.]*)$/i,
  is: 'a host name or an IP address',
};
const PORT: Form = { pattern: /^[1-9]\d{0,4}$/, max: 65_535, is: 'a port (1 to 65535)' };
const PROTO: Form = {
  pattern: /^(?:udp|udp4|udp6|tcp|tcp4|tcp6|tcp-client|tcp4-client|tcp6-client)$/,
  is: 'udp or tcp',
};
const IPV4: Form = { pattern: /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/, is: 'an IPv4 address' };
const IPV6_NET: Form = {
  pattern: /^[\da-f]*:[\da-f:.]*\/\d{1,3}$/i,
  is: 'an IPv6 network such as 2001:db8::/32',
};
const GATEWAY: Form = {
  pattern: new RegExp(`${IPV4.pattern.source}|^(?:vpn_gateway|net_gateway)$`),
  is: 'an IPv4 address, vpn_gateway or net_gateway',
};
/** Names of ciphers and digests, separated by colons. They cannot name a file. */
const ALGORITHMS: Form = {
  pattern: /^[\w!+@=-]+(?::[\w!+@=-]+)*$/,
  is: 'a list of algorithms such as AES-256-GCM:AES-128-GCM',
};
const SUBJECT: Form = { pattern: /^[\w .,:=@*/+()-]{1,200}$/, is: 'a name in a certificate' };
const FILTER: Form = { pattern: /^[\w .:/-]{0,200}$/, is: 'the beginning of a pushed option' };
const DEVICE: Form = {
  pattern: /^(?!tap|null)[a-z][\w-]{0,14}$/i,
  is: 'tun, or the name of an interface (no tap)',
};

function number(min: number, max: number): Form {
  return { pattern: new RegExp(`^\\d{1,${String(max).length}}$`), max, is: `a number from ${min} to ${max}` };
}
function oneOf(...words: string[]): Form {
  return { pattern: new RegExp(`^(?:${words.join('|').replaceAll('.', '\\.')})$`), is: words.join(' or ') };
}

/** Accepts the `required` words, then none, some or all of the `optional` ones, each in its form. */
function takes(required: readonly Form[], optional: readonly Form[] = []): Check {
  const forms = [...required, ...optional];
  return (words) => {
    if (words.length < required.length || words.length > forms.length) {
      const most = forms.length === required.length ? '' : ` to ${forms.length}`;
      return `it takes ${required.length}${most} values, but has ${words.length}`;
    }
    const wrong = words.findIndex((word, index) => !fits(word, forms[index]));
    return wrong === -1 ? undefined : `value ${wrong + 1} must be ${forms[wrong]?.is}`;
  };
}

/** As `check`, then `fault` of the first word. */
function also(check: Check, fault: (word: string) => string | undefined): Check {
  return (words) => check(words) ?? fault(words[0] ?? '');
}

/** As `check`, then what is wrong with the network that the route leads into the tunnel. */
function narrow(name: 'route' | 'route-ipv6', check: Check): Check {
  return (words) => {
    const wrong = check(words);
    if (wrong !== undefined) return wrong;
    const target = routeTarget({ name, words });
    if (target === undefined) return 'its address and mask are no network';
    return judgeRoutes([target], NOTHING_AROUND).refused[0]?.why;
  };
}

function fits(word: string, form: Form | undefined): boolean {
  return (
    form !== undefined && form.pattern.test(word) && !(form.max !== undefined && Number(word) > form.max)
  );
}

const flag = takes([]);
const SECONDS = number(0, 86_400);
/** A year: Access Server renews its keys once a week. */
const LONG_SECONDS = number(0, 31_536_000);
const BYTES = number(0, 100_000_000);

export const DIRECTIVES: ReadonlyMap<string, Directive> = new Map(
  Object.entries({
    // The role, the device and the server.
    client: { check: flag },
    'tls-client': { check: flag },
    pull: { check: flag },
    dev: { check: takes([DEVICE]) },
    'dev-type': { check: takes([oneOf('tun')]) },
    proto: { check: takes([PROTO]) },
    remote: { check: takes([HOST], [PORT, PROTO]), repeatable: true },
    port: { check: takes([PORT]) },
    rport: { check: takes([PORT]) },
    'remote-random': { check: flag },
    'remote-random-hostname': { check: flag },
    'resolv-retry': { check: takes([{ pattern: /^(?:infinite|\d{1,5})$/, is: 'infinite or seconds' }]) },
    nobind: { check: flag },
    lport: { check: takes([number(0, 65_535)]) },
    float: { check: flag },
    // Trust.
    'remote-cert-tls': { check: takes([oneOf('server')]) },
    'remote-cert-eku': {
      check: takes([oneOf('TLS Web Server Authentication', 'serverAuth', '1.3.6.1.5.5.7.3.1')]),
    },
    'peer-fingerprint': {
      check: takes([{ pattern: /^[\da-f]{2}(?::[\da-f]{2}){31}$/i, is: 'a SHA256 fingerprint' }]),
      repeatable: true,
    },
    'verify-x509-name': { check: takes([SUBJECT], [oneOf('name', 'name-prefix', 'subject')]) },
    'tls-version-min': {
      check: takes([oneOf('1.0', '1.1', '1.2', '1.3')], [oneOf('or-highest')]),
      instead: ([version = '']) =>
        /[01]$/.test(version) ? { words: ['1.2'], why: 'older versions of TLS are broken' } : undefined,
    },
    'tls-version-max': { check: takes([oneOf('1.2', '1.3')]) },
    'tls-cipher': { check: takes([ALGORITHMS]), instead: withoutWeakSuites },
    'tls-ciphersuites': { check: takes([ALGORITHMS]), instead: withoutWeakSuites },
    'tls-cert-profile': { check: takes([oneOf('legacy', 'preferred', 'suiteb')]) },
    'tls-groups': { check: takes([ALGORITHMS]) },
    cipher: { check: also(takes([ALGORITHMS]), cipherFault), instead: withoutWeakCiphers },
    'ncp-ciphers': { check: also(takes([ALGORITHMS]), cipherFault), instead: withoutWeakCiphers },
    'data-ciphers': { check: also(takes([ALGORITHMS]), cipherFault), instead: withoutWeakCiphers },
    'data-ciphers-fallback': { check: also(takes([ALGORITHMS]), cipherFault), instead: withoutWeakCiphers },
    auth: { check: also(takes([ALGORITHMS]), digestFault) },
    'auth-nocache': { check: flag },
    'key-direction': { check: takes([oneOf('0', '1')]) },
    // Keeping the tunnel alive.
    'persist-key': { check: flag },
    'persist-tun': { check: flag },
    keepalive: { check: takes([SECONDS, SECONDS]) },
    ping: { check: takes([SECONDS]) },
    'ping-restart': { check: takes([SECONDS]) },
    'ping-exit': { check: takes([SECONDS]) },
    'ping-timer-rem': { check: flag },
    'reneg-sec': { check: takes([LONG_SECONDS], [LONG_SECONDS]) },
    'reneg-bytes': { check: takes([BYTES]) },
    'reneg-pkts': { check: takes([BYTES]) },
    'hand-window': { check: takes([SECONDS]) },
    'tls-timeout': { check: takes([SECONDS]) },
    'tran-window': { check: takes([LONG_SECONDS]) },
    'connect-retry': { check: takes([SECONDS], [SECONDS]) },
    'connect-retry-max': { check: takes([number(0, 9_999)]) },
    'connect-timeout': { check: takes([SECONDS]) },
    'server-poll-timeout': { check: takes([SECONDS]) },
    'explicit-exit-notify': { check: takes([], [number(0, 10)]) },
    // Packets and routes.
    topology: { check: takes([oneOf('subnet', 'net30', 'p2p')]) },
    'tun-mtu': { check: takes([number(0, 65_535)]) },
    mssfix: { check: takes([], [number(0, 65_535), oneOf('mtu', 'fixed')]) },
    fragment: { check: takes([number(0, 65_535)]) },
    sndbuf: { check: takes([BYTES]) },
    rcvbuf: { check: takes([BYTES]) },
    'comp-lzo': { check: takes([oneOf('no')]) },
    compress: { check: takes([], [oneOf('stub', 'stub-v2', 'migrate')]) },
    'allow-compression': { check: takes([oneOf('no')]) },
    route: {
      check: narrow('route', takes([IPV4], [IPV4, GATEWAY, number(0, 9_999)])),
      repeatable: true,
    },
    'route-ipv6': { check: narrow('route-ipv6', takes([IPV6_NET])), repeatable: true },
    'route-metric': { check: takes([number(0, 9_999)]) },
    'route-delay': { check: takes([], [SECONDS, SECONDS]) },
    'route-nopull': { check: flag },
    'pull-filter': {
      check: takes([oneOf('accept', 'ignore', 'reject'), FILTER]),
      repeatable: true,
      instead: ([action, text]) =>
        action === 'accept' || text === ''
          ? { words: undefined, why: 'the node has its own list of what the server may push' }
          : undefined,
    },
    // The log.
    verb: {
      check: takes([number(0, 4)]),
      instead: ([level]) => (Number(level) < 3 ? { words: ['3'], why: FOR_LOG } : undefined),
    },
    'mute-replay-warnings': { check: flag },
  } satisfies Record<string, Directive>),
);

const FOR_SCRIPTS = 'it sets a variable for scripts, and none run';
const FOR_DNS = "the node leaves the machine's DNS as it is";
const FOR_WINDOWS = 'it is only for adapters and services of Windows';
const FOR_LOG = "the node reads in OpenVPN's log what the server pushes";
const OLD = 'OpenVPN does not need it any more';

/** What is harmless and of no use here: left out of the new profile, with a warning that says this. */
export const LEFT_OUT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    setenv: FOR_SCRIPTS,
    'setenv-safe': FOR_SCRIPTS,
    'block-outside-dns': FOR_DNS,
    'register-dns': FOR_DNS,
    'dhcp-option': FOR_DNS,
    'ignore-unknown-option': 'the node has its own list of what is left out',
    'push-peer-info': 'the server needs to know nothing of this machine',
    'auth-retry': 'it is for a login with a password',
    mute: FOR_LOG,
    'ip-win32': FOR_WINDOWS,
    'route-method': FOR_WINDOWS,
    'tap-sleep': FOR_WINDOWS,
    'dhcp-renew': FOR_WINDOWS,
    'dhcp-release': FOR_WINDOWS,
    'show-net-up': FOR_WINDOWS,
    'pause-exit': FOR_WINDOWS,
    'windows-driver': FOR_WINDOWS,
    'tun-ipv6': OLD,
    'ncp-disable': OLD,
  }),
);

const REDIRECT = 'the node does not let a profile redirect all traffic of the machine';

/** Why some directives that are common in profiles are refused. The others are just not on the list. */
const REASONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'auth-user-pass':
      'the node has no user name and password; the profile must contain a certificate and a key',
    'auth-federate':
      'a login in the browser needs a person; the profile must contain a certificate and a key',
    askpass: 'the node cannot type a pass phrase',
    config: 'it reads a file',
    plugin: 'it loads a library',
    providers: 'it loads a library',
    engine: 'it loads a library',
    'pkcs11-providers': 'it loads a library',
    user: 'the node decides as which user OpenVPN runs',
    group: 'the node decides as which user OpenVPN runs',
    'ns-cert-type': "it checks too little; use 'remote-cert-tls server'",
    'tls-remote': "OpenVPN has no such check any more; use 'verify-x509-name'",
    'redirect-gateway': REDIRECT,
    'redirect-private': REDIRECT,
    'route-gateway': 'the gateway is the one of the tunnel',
    daemon: 'the node runs and watches OpenVPN itself',
  }),
);
const RUNS =
  /^(?:up|down|up-restart|down-pre|route-up|route-pre-down|ipchange|tls-verify|client-connect|client-disconnect|client-crresponse|auth-user-pass-verify|learn-address|iproute|script-security|dns-updown|tls-crypt-v2-verify)$/;
const FILES =
  /^(?:log|log-append|writepid|status|replay-persist|management.*|client-config-dir|capath|crl-verify|pkcs12|cd|chroot|tmp-dir|tls-export-cert|ifconfig-pool-persist|secret|dh|auth-gen-token.*|genkey|mktun)$/;

/** Why `name` is refused, for people. */
export function whyNot(name: string): string {
  const reason =
    REASONS.get(name) ??
    (RUNS.test(name) ? 'it runs a program' : FILES.test(name) ? 'it reads or writes a file' : undefined);
  return `it is not on the list of allowed directives${reason === undefined ? '' : `: ${reason}`}`;
}
