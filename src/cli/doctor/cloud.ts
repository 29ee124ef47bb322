// The way to the cloud: its name, its certificate, its answer, and whether the clocks agree.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { CLOCK_REMEDY, clockOffsetSec, clockText, MOST_CLOCK_OFFSET_SEC } from '../../net/clock.ts';
import { cloudUrl, extraHeaders, verdictOf } from '../../net/cloud.ts';
import { messageOf } from '../../errors.ts';
import { CLOUD_PATHS } from '../../protocol/paths.ts';
import { failure, ok, answerWithin, warning, type Check, type Finding } from './finding.ts';

const TIMEOUT_MS = 8_000;
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|certificate|ALTNAME|ERR_TLS|\bSSL\b|EPROTO/;

export const checkDns: Check = async ({ config, env }) => {
  const { hostname } = new URL(config.settings.webappUrl);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return [ok('dns', `${host} is an address, no name to resolve`)];
  try {
    const { address } = await answerWithin(lookup(host), TIMEOUT_MS, 'DNS');
    return [ok('dns', `${host} is ${address}`)];
  } catch (thrown) {
    const text = `${host} cannot be resolved: ${messageOf(thrown)}`;
    const hasProxy = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => env[name]);
    return [
      hasProxy
        ? warning('dns', text, 'With a proxy this may be fine: the proxy resolves names.')
        : failure('dns', text, 'Check CODA_WEBAPP_URL, the network and /etc/resolv.conf.'),
    ];
  }
};

export const checkCloud: Check = async ({ config, http }) => {
  const { webappUrl } = config.settings;
  const { protocol, origin } = new URL(webappUrl);
  const startedAt = Date.now();
  try {
    const url = cloudUrl(webappUrl, CLOUD_PATHS.health);
    const headers = extraHeaders(config.settings.nodeConnectHeaders);
    const answer = await http.request({ method: 'HEAD', url, headers, timeoutMs: TIMEOUT_MS });
    const { date } = answer.headers;
    const verdict = verdictOf(answer, url, headers);
    return [
      ...tls(protocol),
      verdict.kind === 'yes' || (verdict.kind === 'no' && answer.status >= 400)
        ? ok('cloud', `${origin} answers (${answer.status})`)
        : warning(
            'cloud',
            `${origin} answers ${verdict.reason}`,
            answer.status < 400
              ? 'If it is a login page, log in with a browser on this machine, or set HTTPS_PROXY.'
              : 'The cloud has a problem; the node keeps trying.',
          ),
      clock(typeof date === 'string' ? date : undefined, (startedAt + Date.now()) / 2),
    ];
  } catch (thrown) {
    const text = messageOf(thrown);
    if (CERTIFICATE.test(text)) {
      return [
        failure(
          'tls',
          `the certificate of ${origin} is not accepted: ${text}`,
          "If your network inspects TLS, set NODE_EXTRA_CA_CERTS or SSL_CERT_FILE to its CA; otherwise check this machine's clock.",
        ),
      ];
    }
    return [
      failure(
        'cloud',
        `${origin} cannot be reached: ${text}`,
        text.includes('the proxy ')
          ? 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.'
          : 'Check CODA_WEBAPP_URL and the firewall; if a proxy is needed, set HTTPS_PROXY.',
      ),
    ];
  }
};

/** What is wrong here is among the hardening list. */
function tls(protocol: string): Finding[] {
  const isVerified = protocol === 'https:' && process.env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0';
  return isVerified ? [ok('tls', 'the certificate is verified')] : [];
}

/** JWTs carry the time: the cloud refuses one from the future, and one that has expired. */
export function clock(date: string | undefined, now: number): Finding {
  const offsetSec = clockOffsetSec(date, now);
  if (offsetSec === undefined)
    return warning('clock', 'the answer of the cloud has no time', 'Check that this machine uses NTP.');
  const text = `this machine is ${clockText(offsetSec)}`;
  if (Math.abs(offsetSec) > MOST_CLOCK_OFFSET_SEC)
    return failure('clock', `${text}: the cloud refuses its signatures`, CLOCK_REMEDY);
  if (Math.abs(offsetSec) > 5) return warning('clock', text, CLOCK_REMEDY);
  return ok('clock', offsetSec === 0 ? 'in step with the cloud' : 'within a few seconds of the cloud');
}
