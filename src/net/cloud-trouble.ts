// What to do if the cloud does not take what the node sends. The remedy follows from the text of the failure.
import { MORE_FILES_REMEDY } from '../errors.ts';
import { certificateTrouble } from './certificate-trouble.ts';
import { CLOCK_REMEDY } from './clock.ts';

const REPEATS = 'The node repeats it by itself, and nothing is lost.';

/** By the sign in the text. The first that fits counts. */
const REMEDIES: readonly (readonly [sign: RegExp, remedy: string])[] = [
  [/the proxy /, `Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY. ${REPEATS}`],
  [/this machine's clock is/, `${CLOCK_REMEDY} ${REPEATS}`],
  [
    /web page|login page|redirect/i,
    `Something else answers in the cloud's place, such as the login page of a network: open a web page in a browser on this machine and log in, or set HTTPS_PROXY. ${REPEATS}`,
  ],
  [
    /\b40[13]\b/,
    `Check this machine's clock (timedatectl). If it is right, the cloud no longer takes the credentials of this node: look at the QPU in Coda. ${REPEATS}`,
  ],
  [/EMFILE|ENFILE/, MORE_FILES_REMEDY],
  [
    /ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|TIMEOUT|EPIPE|hang up|closed|no whole answer/i,
    `Check the network on the way: VPN, firewall, HTTPS_PROXY. ${REPEATS}`,
  ],
  [/\b404\b/, `Check CODA_WEBAPP_URL and the paths of the cloud. ${REPEATS}`],
  [/\b(408|425|429)\b/, `The cloud asks for patience. ${REPEATS}`],
];

export function cloudRemedy(said: string): string {
  return (
    certificateTrouble(said, '')?.remedy ??
    REMEDIES.find(([sign]) => sign.test(said))?.[1] ??
    `The cloud has a problem of its own. ${REPEATS}`
  );
}
