// Profiles for tests: a good one as AWS Client VPN exports it, and the corpus of those that must be refused.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
});
/** DER that begins like a certificate: the parser looks no deeper, OpenVPN does. */
const der = Buffer.concat([Buffer.from([0x30, 0x82]), randomBytes(300)]).toString('base64');
const certificate = `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----`;

export const BLOCKS_TEXT = `<ca>
${certificate}
${certificate}
</ca>
<cert>
Certificate:
    Data:
        Version: 3 (0x2)
${certificate}
</cert>
<key>
${String(key).trim()}
</key>
`;

export const GOOD = `client
dev tun
proto udp
remote cvpn-endpoint-0123456789abcdef0.prod.clientvpn.us-east-1.amazonaws.com 443
remote-random-hostname
resolv-retry infinite
nobind
remote-cert-tls server
cipher AES-256-GCM
verb 3
${BLOCKS_TEXT}
reneg-sec 0
verify-x509-name "server.example name" name
`;

/** Lines that must be refused, each with the name that the refusal must give. `MARK` is a path that must stay unused. */
export const ATTACKS: readonly (readonly [line: string, directive: string])[] = [
  // What runs a program, in every spelling that OpenVPN takes.
  ['up MARK', 'up'],
  ['--up MARK', 'up'],
  ['"up" MARK', 'up'],
  ["'up' MARK", 'up'],
  ['\\up MARK', 'up'],
  ['u\\p MARK', 'up'],
  ['"u\\p" "MARK"', 'up'],
  ['\tup\tMARK', 'up'],
  ['"--up" MARK', 'up'],
  ['"up""MARK"', 'up'],
  ['UP MARK', 'UP'],
  ['setenv opt up MARK', 'setenv opt up'],
  ['setenv opt "--up" MARK', 'setenv opt up'],
  ['setenv opt setenv opt up MARK', 'setenv opt setenv opt up'],
  ['setenv GENERIC_CONFIG', 'setenv'],
  ...[
    'down',
    'route-up',
    'route-pre-down',
    'ipchange',
    'tls-verify',
    'auth-user-pass-verify',
    'client-connect',
    'client-disconnect',
    'learn-address',
    'iproute',
    'dns-updown',
    'tls-crypt-v2-verify',
    'client-crresponse',
  ].map((name) => [`${name} MARK`, name] as const),
  ['script-security 2', 'script-security'],
  ['script-security 3 system', 'script-security'],
  // What loads a library.
  ['plugin MARK', 'plugin'],
  ['--plugin "MARK"', 'plugin'],
  ['providers legacy MARK', 'providers'],
  ['engine dynamic', 'engine'],
  ['pkcs11-providers MARK', 'pkcs11-providers'],
  // What reads a file or sends it away.
  ['config MARK', 'config'],
  ['auth-user-pass', 'auth-user-pass'],
  ['auth-user-pass MARK', 'auth-user-pass'],
  ['auth-user-pass [inline]', 'auth-user-pass'],
  ['askpass MARK', 'askpass'],
  ['http-proxy 127.0.0.1 8080 MARK basic', 'http-proxy'],
  ['socks-proxy 127.0.0.1 1080 MARK', 'socks-proxy'],
  ...['ca', 'cert', 'key', 'extra-certs', 'tls-auth', 'tls-crypt', 'tls-crypt-v2'].map(
    (name) => [`${name} MARK`, name] as const,
  ),
  ['ca [inline]', 'ca'],
  ...['pkcs12', 'secret', 'dh', 'crl-verify', 'capath', 'peer-fingerprint'].map(
    (name) => [`${name} MARK`, name] as const,
  ),
  // What writes a file, or opens a door.
  ...[
    'log',
    'log-append',
    'status',
    'writepid',
    'replay-persist',
    'tls-export-cert',
    'ifconfig-pool-persist',
    'tmp-dir',
    'cd',
    'chroot',
  ].map((name) => [`${name} MARK`, name] as const),
  ['management 127.0.0.1 7505', 'management'],
  ['management MARK unix', 'management'],
  ['daemon', 'daemon'],
  ['user root', 'user'],
  ['dev-node MARK', 'dev-node'],
  ['dev-type tap', 'dev-type'],
  ['redirect-gateway def1', 'redirect-gateway'],
  ['keying-material-exporter X 16', 'keying-material-exporter'],
  // Allowed directives with values that are not.
  ['remote --up 1194', 'remote'],
  ['remote host.example 70000', 'remote'],
  ['remote host.example 0', 'remote'],
  ['remote "host.example up" 1194', 'remote'],
  ['remote host.example 1194 udp extra', 'remote'],
  ['tls-cipher /etc/passwd', 'tls-cipher'],
  ['verify-x509-name "a\\"b" name', 'verify-x509-name'],
  ['route 10.0.0.300', 'route'],
  ['route `id`', 'route'],
  ['route evil.example', 'route'],
  ['verb 11', 'verb'],
  ['reneg-sec x', 'reneg-sec'],
  ['pull-filter accept "x" y', 'pull-filter'],
  ['dev ../../etc/x', 'dev'],
  // Broken lines and blocks.
  ['up "MARK', 'up'],
  ['nobind \\', 'nobind'],
  ['nobind\rup MARK', 'nobind'],
  ['# a comment\rup MARK', '#'],
  ['nobind\u0000up MARK', 'nobind\\u0000up'],
  ['nobind\vup MARK', 'nobind'],
  [`nobind ${' '.repeat(300)}`, 'nobind'],
  ['<connection>\nremote a 1\n</connection>', '<connection>'],
  ['<up>\nMARK\n</up>', '<up>'],
  ['<auth-user-pass>\na\nb\n</auth-user-pass>', '<auth-user-pass>'],
  ['<secret>\nx\n</secret>', '<secret>'],
  ['<tls-auth>\nx', '<tls-auth>'],
  ['<tls-auth> MARK\n</tls-auth>', '<tls-auth>'],
  [
    '<extra-certs>\n-----BEGIN CERTIFICATE-----\nup MARK\n-----END CERTIFICATE-----\n</extra-certs>',
    '<extra-certs>',
  ],
  [
    '<extra-certs>\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n</extra-certs> up',
    '<extra-certs>',
  ],
  [
    '<extra-certs>\n-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n</extra-certs>',
    '<extra-certs>',
  ],
  [
    '<tls-crypt>\n-----BEGIN OpenVPN Static key V1-----\n00\n-----END OpenVPN Static key V1-----\n</tls-crypt>',
    '<tls-crypt>',
  ],
];
