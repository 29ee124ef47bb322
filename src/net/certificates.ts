// Whom a connection over TLS trusts besides those whom Node.js trusts (PROTOCOL §13).
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { ConfigError, messageOf, refuseQuotes } from '../errors.ts';

/** The certificates of SSL_CERT_FILE, added to Node's own; undefined if it is not set. A `ca` option replaces all that
 *  Node trusts, so the file in NODE_EXTRA_CA_CERTS is added again. */
export function extraCertificates(env: NodeJS.ProcessEnv): string[] | undefined {
  const sslCertFile = env['SSL_CERT_FILE'];
  refuseQuotes('SSL_CERT_FILE', sslCertFile ?? '');
  if (sslCertFile === undefined || sslCertFile === '') return undefined;
  const files = [sslCertFile, env['NODE_EXTRA_CA_CERTS']].filter((file) => file !== undefined && file !== '');
  return [...rootCertificates, ...files.map((file) => readCertificates(String(file)))];
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`the CA file ${file} cannot be read: ${messageOf(cause)}`, {
      cause,
      remedy: 'Correct SSL_CERT_FILE or NODE_EXTRA_CA_CERTS.',
    });
  }
}
