// Where results, and with them the node's JWT, may go: the callback URL comes with the job, so anyone who can write
// to the stream can choose it. Each origin is judged once; the verdict holds for all its jobs.
import type { CodaNode, Logger } from '../../src/index.ts';
import { printable } from '../../src/kit.ts';

/** Most verdicts to remember: an attacker could make up any number of origins. */
const REMEMBERED = 1_000;
/** Most origins to show. */
const SHOWN = 20;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

export interface OriginGuard {
  /** Why nothing may be sent to `url`; undefined if it may. Warns once about an origin that looks wrong. */
  objectionTo(url: string): string | undefined;
  /** Whether `url` leads to the cloud's own origin. */
  isCloud(url: string): boolean;
  /** The origins of the callbacks so far, the cloud's own too. */
  readonly seen: readonly string[];
}

export function createOriginGuard(node: CodaNode, log: Logger): OriginGuard {
  const allowed = new Set(node.settings.webhookAllowedOrigins.map((origin) => new URL(origin).origin));
  let cloud: string | undefined;
  const verdicts = new Map<string, string | undefined>();

  function judge({ origin, protocol, hostname }: URL): string | undefined {
    if (protocol !== 'https:' && protocol !== 'http:') {
      return `the callback URL begins with ${protocol}// and not with https://`;
    }
    if (allowed.size > 0) {
      if (allowed.has(origin)) return undefined;
      return `the callback goes to ${origin}, which is not among webhook.allowedOrigins`;
    }
    if (origin !== new URL(node.session.webappUrl).origin) {
      log.warn(
        `results and the node's JWT go to ${origin}, which is not the cloud's origin; ` +
          'set webhook.allowedOrigins to allow only known ones',
      );
    }
    if (protocol === 'http:' && !LOOPBACK.test(hostname)) {
      log.warn(`results and the node's JWT go to ${origin} unencrypted`);
    }
    return undefined;
  }

  return {
    isCloud(url) {
      cloud ??= new URL(node.session.webappUrl).origin;
      return url.startsWith(`${cloud}/`) || originOf(url) === cloud;
    },
    get seen() {
      return [...verdicts.keys()].slice(0, SHOWN).map((origin) => printable(origin, 300));
    },
    objectionTo(url) {
      // Fast path: the origin was judged before and is in canonical form.
      const [known] = /^https?:\/\/[^/]+(?=\/)/.exec(url) ?? [];
      if (known !== undefined && verdicts.has(known)) return verdicts.get(known);
      if (!URL.canParse(url)) return 'the callback is not a URL';
      const target = new URL(url);
      // URLs of other schemes all have the origin 'null'.
      const key = target.origin === 'null' ? target.protocol : target.origin;
      if (!verdicts.has(key)) {
        if (verdicts.size >= REMEMBERED) verdicts.clear();
        verdicts.set(key, judge(target));
      }
      return verdicts.get(key);
    },
  };
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}
