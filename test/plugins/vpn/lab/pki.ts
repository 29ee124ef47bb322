// A certificate authority for one test: a server, a client, nothing else. By openssl, with small keys.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Pki {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

export function makePki(folder: string): Pki {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
    '-days',
    '2',
    '-subj',
    '/CN=lab-ca',
  );
  const issue = (name: string, usage: string): { cert: string; key: string } => {
    writeFileSync(at(`${name}.ext`), `extendedKeyUsage=${usage}\nkeyUsage=digitalSignature\n`);
    openssl(
      'req',
      ...key,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
      '-subj',
      `/CN=lab-${name}`,
    );
    const authority = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial'];
    openssl(
      'x509',
      '-req',
      '-in',
      at(`${name}.csr`),
      ...authority,
      '-days',
      '2',
      '-extfile',
      at(`${name}.ext`),
      '-out',
      at(`${name}.crt`),
    );
    return { cert: readFileSync(at(`${name}.crt`), 'utf8'), key: readFileSync(at(`${name}.key`), 'utf8') };
  };
  const server = issue('server', 'serverAuth');
  const client = issue('client', 'clientAuth');
  return { ca: readFileSync(at('ca.crt'), 'utf8'), server, client };
}

/** A profile as AWS Client VPN exports it, with the client's certificate and key put in. */
export function clientProfile({ ca, client }: Pki, remote: string, port = 1194): string {
  return `client
dev tun
proto udp
remote ${remote} ${port}
resolv-retry infinite
nobind
remote-cert-tls server
cipher AES-256-GCM
verb 3
<ca>
${ca.trim()}
</ca>
<cert>
${client.cert.trim()}
</cert>
<key>
${client.key.trim()}
</key>
`;
}
