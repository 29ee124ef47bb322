// What is wrong with the certificate of a server, and what to do about it.
import { errorCode, messageOf, type Trouble } from '../errors.ts';

interface Kind {
  readonly sign: RegExp;
  readonly what: string;
  readonly remedy: string;
}

const TRUST =
  'If that certificate is the right one, name the PEM file of its authority in NODE_EXTRA_CA_CERTS or SSL_CERT_FILE, and restart the node. If it is not, something on the way reads the traffic: ask whoever runs the network.';

const KINDS: readonly Kind[] = [
  {
    sign: /CERT_HAS_EXPIRED|certificate has expired/,
    what: 'has expired',
    remedy:
      "Check this machine's clock (timedatectl). If the clock is right, the server needs a new certificate: tell whoever runs it.",
  },
  {
    sign: /CERT_NOT_YET_VALID|certificate is not yet valid/,
    what: 'is not valid yet',
    remedy: "Set this machine's clock (timedatectl set-ntp true).",
  },
  {
    sign: /ALTNAME_INVALID|does not match certificate|altnames/,
    what: 'is for another name',
    remedy:
      'The URL must have a name or address that is in the certificate. If the URL is right, the server needs another certificate: tell whoever runs it.',
  },
  { sign: /DEPTH_ZERO_SELF_SIGNED|^self-signed certificate$/, what: 'is self-signed', remedy: TRUST },
  {
    sign: /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(GET|VERIFY)|unable to (get|verify)|self-signed certificate/,
    what: 'is from an authority that this machine does not know',
    remedy: TRUST,
  },
  {
    sign: /CERT_REVOKED|certificate revoked/,
    what: 'has been revoked',
    remedy: 'The server needs a new certificate: tell whoever runs it.',
  },
];

/** Undefined if the error is not about a certificate. `whose`: such as `Redis at redis.example.org:6379`. */
export function certificateTrouble(thrown: unknown, whose: string): Trouble | undefined {
  const [code, text] = [errorCode(thrown), messageOf(thrown)];
  const kind = KINDS.find(({ sign }) => sign.test(code ?? '') || sign.test(text));
  if (kind === undefined) return undefined;
  const said = code === undefined || text.includes(code) ? text : `${text}, ${code}`;
  return { text: `the certificate of ${whose} ${kind.what} (${said})`, remedy: kind.remedy };
}
