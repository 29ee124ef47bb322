// One heartbeat: its body, its POST, and what the log hears of its fate.
import { HeartbeatRejectedError, messageOf, type CodaNode, type Edge } from '../../src/index.ts';
import { answerText, cloudUrl, connectivityOf, extraHeaders } from '../../src/kit.ts';

const TIMEOUT_MS = 10_000;

export interface Beat {
  /** When the cloud last took one; ISO 8601, UTC. */
  readonly lastAcceptedAt: string | null;
  /** Why the last one failed; null where it did not. */
  readonly failure: string | null;
  /** Sends one; never rejects. */
  send(signal: AbortSignal): Promise<void>;
}

export function createBeat(node: CodaNode): Beat {
  const log = node.log.child('heartbeat');
  const headers = extraHeaders(node.settings.nodeConnectHeaders);
  /** What was complained about since the last success: an outage of hours is one line, not thousands. */
  const complaints = new Set<string>();
  let lastAcceptedAt: string | null = null;
  let failure: string | null = null;

  async function post(signal: AbortSignal): Promise<void> {
    const { signer, webappUrl, heartbeatPath } = node.session;
    // After a failure the reused token itself may be what the cloud does not like.
    const token = await (failure === null ? signer.token() : signer.fresh());
    const sent = { ...headers, 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const answer = await node.http.request({
      method: 'POST',
      url: cloudUrl(webappUrl, heartbeatPath),
      headers: sent,
      body: JSON.stringify(body()),
      timeoutMs: TIMEOUT_MS,
      signal,
    });
    if (answer.status >= 200 && answer.status < 300) return;
    throw new HeartbeatRejectedError(`the cloud refused the heartbeat with ${answerText(answer, sent)}`);
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

  /** The device may change while the node runs; a device that cannot be read is no reason to seem dead. */
  function connectivity(): Edge[] | null {
    try {
      return connectivityOf(node.executor);
    } catch (thrown) {
      complain(`the executor's device cannot be read: ${messageOf(thrown)}`);
      return null;
    }
  }

  function complain(text: string): void {
    if (complaints.has(text)) log.debug(text);
    else log.warn(text);
    complaints.add(text);
  }

  return {
    get lastAcceptedAt() {
      return lastAcceptedAt;
    },
    get failure() {
      return failure;
    },
    async send(signal) {
      try {
        await post(signal);
        if (failure !== null) {
          log.info('the cloud takes heartbeats again');
          complaints.clear();
        }
        failure = null;
        lastAcceptedAt = new Date().toISOString();
      } catch (thrown) {
        if (signal.aborted) return;
        failure =
          thrown instanceof HeartbeatRejectedError
            ? thrown.message
            : `the heartbeat did not get through: ${messageOf(thrown)}`;
        complain(failure);
      }
    },
  };
}
