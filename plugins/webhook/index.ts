// Delivers a saved outcome to the cloud: one call, one attempt (PROTOCOL §6).
// The outbox decides when to try again, and what to do with a refusal.
import type { CodaNode, Plugin } from '../../src/index.ts';
import {
  deepFrozen,
  extraHeaders,
  ForbiddenTargetError,
  isTapped,
  NO_ANNOTATIONS,
  TransportError,
  webhookBody,
  type Delivery,
  type SavedOutcome,
} from '../../src/kit.ts';
import { deliveryOf } from './answer.ts';
import { sendableHeaders } from './headers.ts';
import { createOriginGuard, type OriginGuard } from './origins.ts';

/** Posts outcomes to their callback URLs, signed with the node's JWT. */
export function webhook(): Plugin {
  return {
    name: 'webhook',
    apply(node) {
      const origins = createOriginGuard(node, node.log);
      node.hooks.deliver.tapPromise('webhook', createDeliver(node, origins));
      node.hooks.readiness.tap('webhook', (report) => report.add('callback_origins', origins.seen));
    },
  };
}

function createDeliver(
  node: CodaNode,
  origins: OriginGuard,
): (saved: SavedOutcome, attempt: number) => Promise<Delivery> {
  const log = node.log;
  const timeoutMs = node.settings.webhookTimeoutSec * 1000;
  const headers = { 'content-type': 'application/json' };
  // The operator's own, which may be secret: the callback comes with the job, and may lead anywhere.
  const cloudHeaders = { ...extraHeaders(node.settings.nodeConnectHeaders), ...headers };

  return async (saved, attempt) => {
    const { jobId, callbackUrl: url, annotations = NO_ANNOTATIONS } = saved;
    const objection = origins.objectionTo(url);
    if (objection !== undefined) return { kind: 'refused', reason: objection };

    const body = webhookBody(jobId, saved.outcome);
    const text = JSON.stringify(body);
    let tapped: Record<string, string> = {};
    if (isTapped(node.hooks.onWebhook)) {
      const request = Object.freeze({
        jobId,
        url,
        body: deepFrozen({ ...body }),
        headers: {},
        annotations,
        attempt,
      });
      await node.hooks.onWebhook.promise(request);
      tapped = sendableHeaders(request.headers, log);
    }

    const post = async (jwt: string): Promise<{ status: number; delivery: Delivery }> => {
      const own = origins.isCloud(url) ? cloudHeaders : headers;
      const sent = { ...own, ...tapped, authorization: `Bearer ${jwt}` };
      const answer = await node.http.request({ method: 'POST', url, headers: sent, body: text, timeoutMs });
      return { status: answer.status, delivery: deliveryOf(answer, url, sent) };
    };
    try {
      const { signer } = node.session;
      const first = await post(await signer.token());
      if (first.status !== 401) return first.delivery;
      // The cloud may refuse the reused token, for example after the clock was set.
      return (await post(await signer.fresh())).delivery;
    } catch (thrown) {
      if (!(thrown instanceof TransportError)) throw thrown;
      if (thrown.cause instanceof ForbiddenTargetError) return { kind: 'refused', reason: thrown.message };
      return { kind: 'retry', reason: thrown.message, sent: thrown.sent };
    }
  };
}
