// Profiles in the style of the programs that people export them from, with what our parser says of each.
import { BLOCKS_TEXT } from './samples.ts';

export interface Export {
  readonly text: string;
  /** The directives that a warning must name, in their order. */
  readonly warned: readonly string[];
  /** Lines that OpenVPN must get. */
  readonly kept: readonly string[];
}

const hex = Array.from({ length: 16 }, () => '0123456789abcdef0123456789abcdef').join('\n');
export const STATIC_KEY = `-----BEGIN OpenVPN Static key V1-----\n${hex}\n-----END OpenVPN Static key V1-----`;
/** A blank line after the first and before the last line of each item, and a comment of the key's generator. */
const spacedBlocks = BLOCKS_TEXT.replace(/(-----BEGIN .*-----)\n/g, '$1\n\n').replace(
  /\n(-----END .*-----)/g,
  '\n  \n$1',
);

export const EXPORTS: Readonly<Record<string, Export>> = {
  'AWS Client VPN': {
    text: `client
dev tun
proto udp
remote cvpn-endpoint-0123456789abcdef0.prod.clientvpn.eu-central-1.amazonaws.com 443
remote-random-hostname
resolv-retry infinite
nobind
remote-cert-tls server
cipher AES-256-GCM
verb 3
${spacedBlocks}

reneg-sec 0

verify-x509-name vpn.example.org name
`,
    warned: [],
    kept: ['remote-random-hostname', 'verify-x509-name vpn.example.org name'],
  },
  pfSense: {
    text: `dev tun
persist-tun
persist-key
data-ciphers AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305:AES-256-CBC
data-ciphers-fallback AES-256-CBC
auth SHA256
tls-client
client
resolv-retry infinite
remote vpn.example.org 1194 udp4
lport 0
verify-x509-name "vpn server" name
remote-cert-tls server
explicit-exit-notify
setenv CLIENT_CERT 0
${BLOCKS_TEXT}
key-direction 1
<tls-auth>
#
# 2048 bit OpenVPN static key
#
${STATIC_KEY}
</tls-auth>
`,
    warned: ['setenv'],
    kept: ['explicit-exit-notify', 'key-direction 1', 'verify-x509-name "vpn server" name', 'lport 0'],
  },
  'OpenVPN Access Server': {
    text: `# Automatically generated OpenVPN client config file
# Note: this config file contains inline private keys
# OVPN_ACCESS_SERVER_PROFILE=user@vpn.example.org/AUTOLOGIN
; OVPN_ACCESS_SERVER_CLI_PREF_BASIC_CLIENT=False
setenv FORWARD_COMPATIBLE 1
client
server-poll-timeout 4
nobind
remote vpn.example.org 1194 udp
remote vpn.example.org 443 tcp
remote vpn.example.org 1194 udp
dev tun
dev-type tun
remote-cert-tls server
setenv opt tls-version-min 1.0 or-highest
reneg-sec 604800
sndbuf 0
rcvbuf 0
# NOTE: LZO commands are pushed by the Access Server at connect time.
comp-lzo no
verb 3
setenv PUSH_PEER_INFO
setenv UV_ID 0123456789
${BLOCKS_TEXT}
key-direction 1
<tls-auth>
${STATIC_KEY}
</tls-auth>

## -----BEGIN RSA SIGNATURE-----
## DIGEST:sha256
## -----END RSA SIGNATURE-----
`,
    warned: ['setenv', 'setenv opt tls-version-min', 'setenv', 'setenv'],
    kept: ['tls-version-min 1.2', 'reneg-sec 604800', 'remote vpn.example.org 443 tcp', 'comp-lzo no'],
  },
  'the openvpn-install script with easy-rsa': {
    text: `client
proto udp
explicit-exit-notify
remote 203.0.113.7 1194
dev tun
resolv-retry infinite
nobind
persist-key
persist-tun
remote-cert-tls server
verify-x509-name server_a1B2c3D4e5F6g7H8 name
auth SHA256
auth-nocache
cipher AES-128-GCM
tls-client
tls-version-min 1.2
tls-cipher TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256
ignore-unknown-option block-outside-dns
setenv opt block-outside-dns # Prevent Windows 10 DNS leak
verb 3
${BLOCKS_TEXT}<tls-crypt>
${STATIC_KEY}
</tls-crypt>
`,
    warned: ['ignore-unknown-option', 'setenv opt block-outside-dns'],
    kept: ['auth-nocache', 'tls-version-min 1.2'],
  },
  'the short road warrior script': {
    text: `client
dev tun
proto udp
remote 203.0.113.7 1194
resolv-retry infinite
nobind
persist-key
persist-tun
remote-cert-tls server
auth SHA512
ignore-unknown-option block-outside-dns
block-outside-dns
verb 3
${BLOCKS_TEXT}<tls-crypt>
${STATIC_KEY}
</tls-crypt>
`,
    warned: ['ignore-unknown-option', 'block-outside-dns'],
    kept: ['auth SHA512', 'persist-tun'],
  },
  'a client for Windows, with <connection> blocks': {
    text: `client
dev tun
topology subnet
port 1195
proto udp
setenv-safe SITE lab
register-dns
dhcp-option DNS 10.8.0.1
route-method exe
<connection>
# the first choice
remote vpn.example.org
proto tcp
connect-timeout 5
</connection>
<connection>
remote backup.example.org
rport 443
connect-timeout 5
</connection>
<connection>
remote last.example.org 8443 tcp
connect-timeout 5
</connection>
nobind
mute 20
mute-replay-warnings
tun-mtu 1400
${BLOCKS_TEXT}`,
    warned: ['setenv-safe', 'register-dns', 'dhcp-option', 'route-method', 'mute', 'remote-cert-tls server'],
    kept: [
      'topology subnet',
      'remote vpn.example.org 1195 tcp',
      'remote backup.example.org 443',
      'remote last.example.org 8443 tcp',
      'connect-timeout 5',
    ],
  },
};
