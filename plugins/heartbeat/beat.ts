// One heartbeat: its body, its POST, and the log lines about its failure.
import { HeartbeatRejectedError, messageOf, type CodaNode, type Edge } from '../../src/index.ts';
import { cloudUrl, connectivityOf, extraHeaders, RepeatFilter, verdictOf } from '../../src/kit.ts';

const TIMEOUT_MS = 10_000;
/** A wrong Retry-After must not make the node seem dead for long. */
const LONGEST_RETRY_AFTER_MS = 300_000;

export interface Beat {
  /** When the cloud last accepted one; ISO 8601, UTC. */
  readonly lastAcceptedAt: string | null;
  /** Why the last one failed; null if it did not. */
  readonly failure: string | null;
  /** Sends one; never rejects. */
  send(signal: AbortSignal): Promise<void>;
}

export function createBeat(node: CodaNode): Beat {
  const log = node.log;
  const headers = extraHeaders(node.settings.nodeConnectHeaders);
  const failures = new RepeatFilter();
  const deviceFaults = new RepeatFilter();
  let lastAcceptedAt: string | null = null;
  /** The cloud asked for no heartbeat before this; monotonic milliseconds. */
  let notBefore = 0;

  async function post(signal: AbortSignal): Promise<void> {
    const { signer, webappUrl, heartbeatPath } = node.session;
    // After a failure the cause may be the reused token itself.
    const token = await (failures.last === undefined ? signer.token() : signer.fresh());
    const sent = { ...headers, 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const url = cloudUrl(webappUrl, heartbeatPath);
    const answer = await node.http.request({
      method: 'POST',
      url,
      headers: sent,
      body: JSON.stringify(body()),
      timeoutMs: TIMEOUT_MS,
      signal,
    });
    const verdict = verdictOf(answer, url, sent);
    if (verdict.kind === 'yes') return;
    if (verdict.kind === 'no') {
      throw new HeartbeatRejectedError(`the cloud refused the heartbeat with ${verdict.reason}`);
    }
    notBefore = performance.now() + Math.min(verdict.afterMs ?? 0, LONGEST_RETRY_AFTER_MS);
    throw new HeartbeatRejectedError(`the heartbeat was answered ${verdict.reason}`);
  }

  function body(): Record<string, unknown> {
    const report = node.readiness();
    return {
      current_job: report.currentJob,
      last_job_at: report.lastJobAt,
      redis_healthy: report.redisHealthy,
      connectivity: connectivity(),
    };
  }

  /** Read each time: the device may change while the node runs. If it cannot be read, the heartbeat is still sent. */
  function connectivity(): Edge[] | null {
    try {
      const edges = connectivityOf(node.executor);
      deviceFaults.clear();
      return edges;
    } catch (thrown) {
      warnOnce(deviceFaults, `the executor's device cannot be read: ${messageOf(thrown)}`);
      return null;
    }
  }

  function warnOnce(filter: RepeatFilter, text: string): void {
    if (filter.isNew(text)) log.warn(text);
    else log.debug(text);
  }

  return {
    get lastAcceptedAt() {
      return lastAcceptedAt;
    },
    get failure() {
      return failures.last ?? null;
    },
    async send(signal) {
      if (performance.now() < notBefore) return;
      try {
        await post(signal);
        const executor = node.executorSource;
        if (failures.clear()) log.debug('the cloud accepts heartbeats again', { executor });
        else if (lastAcceptedAt === null) log.info('the cloud accepts heartbeats', { executor });
        else log.debug('the cloud has accepted a heartbeat', { executor });
        lastAcceptedAt = new Date().toISOString();
      } catch (thrown) {
        if (signal.aborted) return;
        const text =
          thrown instanceof HeartbeatRejectedError
            ? thrown.message
            : `the heartbeat did not get through: ${messageOf(thrown)}`;
        // The kernel logs what the readiness report says.
        if (failures.isNew(text)) log.debug(text);
      }
    },
  };
}
