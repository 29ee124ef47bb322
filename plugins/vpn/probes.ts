// Does the tunnel carry traffic? Every target's name must resolve, and the target must answer a HEAD, within one deadline.
// That the interface is up proves nothing: the interface of a dead tunnel stays up for minutes.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf } from '../../src/index.ts';
import { withDeadline, type HttpClient } from '../../src/kit.ts';

export interface ProbeResult {
  readonly target: string;
  /** Why the target does not answer as it should; undefined if it does. */
  readonly problem: string | undefined;
  /** Something came back from the other end of the tunnel, even if it was a refusal. */
  readonly carries: boolean;
}

export interface ProbeOptions {
  readonly http: HttpClient;
  /** The operator's own, for the origin `cloud` only. */
  readonly headers: Readonly<Record<string, string>>;
  readonly cloud: string;
  readonly targets: readonly string[];
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** Probes all targets at the same time. Never rejects. */
export function probeAll(options: ProbeOptions): Promise<ProbeResult[]> {
  return Promise.all(options.targets.map((target) => probe(target, options)));
}

async function probe(target: string, options: ProbeOptions): Promise<ProbeResult> {
  const { http, deadlineMs, signal } = options;
  const giveUpAt = performance.now() + deadlineMs;
  const { hostname, origin } = new URL(target);
  const headers = origin === options.cloud ? options.headers : {};
  const name = hostname.replace(/^\[|\]$/g, '');
  try {
    // The system resolves names and cannot be interrupted: only the wait for it ends.
    if (isIP(name) === 0) await withDeadline(lookup(name), deadlineMs, 'no answer from the DNS');
  } catch (thrown) {
    return { target, problem: `${name} cannot be resolved (${messageOf(thrown)})`, carries: false };
  }
  try {
    const timeoutMs = Math.max(1, Math.ceil(giveUpAt - performance.now()));
    const { status } = await http.request({ method: 'HEAD', url: target, headers, timeoutMs, signal });
    return { target, problem: status >= 500 ? `${origin} answers ${status}` : undefined, carries: true };
  } catch (thrown) {
    const reason = messageOf(thrown);
    // A refusal came from the other end.
    return { target, problem: `${origin}: ${reason}`, carries: /ECONNREFUSED|ECONNRESET/.test(reason) };
  }
}
