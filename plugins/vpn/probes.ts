// Whether the tunnel carries traffic: every target's name resolves, and the target answers a HEAD, all within one deadline.
// An interface that is up proves nothing: a dead tunnel's stays up for minutes.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, type HttpClient } from '../../src/index.ts';

export interface ProbeResult {
  readonly target: string;
  /** Why the target does not answer as it should; undefined where it does. */
  readonly problem: string | undefined;
  /** Something came back from beyond the tunnel, be it a refusal. */
  readonly carries: boolean;
}

export interface ProbeOptions {
  readonly http: HttpClient;
  readonly headers: Readonly<Record<string, string>>;
  readonly targets: readonly string[];
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** Probes all targets at the same time. Never rejects. */
export function probeAll(options: ProbeOptions): Promise<ProbeResult[]> {
  return Promise.all(options.targets.map((target) => probe(target, options)));
}

async function probe(target: string, options: ProbeOptions): Promise<ProbeResult> {
  const { http, headers, deadlineMs, signal } = options;
  const giveUpAt = performance.now() + deadlineMs;
  const { hostname, origin } = new URL(target);
  const name = hostname.replace(/^\[|\]$/g, '');
  try {
    if (isIP(name) === 0) await within(lookup(name), deadlineMs);
  } catch (thrown) {
    return { target, problem: `${name} cannot be resolved (${messageOf(thrown)})`, carries: false };
  }
  try {
    const timeoutMs = Math.max(1, Math.ceil(giveUpAt - performance.now()));
    const { status } = await http.request({ method: 'HEAD', url: target, headers, timeoutMs, signal });
    return { target, problem: status >= 500 ? `${origin} answers ${status}` : undefined, carries: true };
  } catch (thrown) {
    const reason = messageOf(thrown);
    // A refusal has come from the other end.
    return { target, problem: `${origin}: ${reason}`, carries: /ECONNREFUSED|ECONNRESET/.test(reason) };
  }
}

/** Names are resolved by the system, which cannot be interrupted: only the waiting ends. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const stop = new AbortController();
  const timeout = sleep(ms, undefined, { signal: stop.signal, ref: false }).then(() => {
    throw new Error('no answer from the DNS');
  });
  timeout.catch(() => {});
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    stop.abort();
  }
}
