// Sends a copy of every delivered outcome to a server of yours, in order, without ever holding up a job.
import { definePlugin } from 'coda-node';
import { Mirror } from './mirror.ts';

const plugin = definePlugin({
  name: 'webhook-mirror',
  options: {
    type: 'object',
    properties: {
      url: { type: 'string', format: 'uri', description: 'where the copies are posted to' },
      tokenVariable: {
        type: 'string',
        default: '',
        description: 'environment variable with a token, sent as `Authorization: Bearer …`',
      },
      attempts: { type: 'integer', minimum: 1, default: 5, description: 'attempts for each copy' },
      retryDelaySec: {
        type: 'number',
        minimum: 0,
        default: 1,
        description: 'before the second attempt; then twice that',
      },
      maxWaiting: { type: 'integer', minimum: 1, default: 1000, description: 'copies that may wait' },
      timeoutSec: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 10,
        description: 'longest time for one attempt',
      },
    },
    required: ['url'],
  },
  apply(node, { tokenVariable, ...options }) {
    const token = tokenVariable === '' ? undefined : node.env[tokenVariable];
    if (tokenVariable !== '' && !token)
      throw new Error(`the environment variable ${tokenVariable} is not set`);
    // From now on no line of the log shows it.
    if (token !== undefined) node.log.mask(token);

    const mirror = new Mirror({ ...options, token, http: node.http, log: node.log.child('webhook-mirror') });
    node.onClose('the webhook mirror', () => mirror.close());

    node.hooks.afterDeliver.tap('webhook-mirror', (saved, _attempt, delivery) => {
      if (delivery.kind !== 'delivered') return;
      const { jobId, qpuId, endedAt, outcome, annotations = {} } = saved;
      mirror.send(jobId, JSON.stringify({ jobId, qpuId, endedAt, ...outcome, annotations }));
    });

    node.hooks.readiness.tap('webhook-mirror', (report) => {
      const { sent, lost, waiting, trouble } = mirror;
      report.add('webhook_mirror', { sent, lost, waiting });
      if (trouble === undefined) return;
      report.trouble(
        `copies of outcomes do not get to ${mirror.origin}: ${trouble}`,
        'Check that server. Coda has the outcomes.',
      );
    });
  },
});

export default plugin;

declare module 'coda-node' {
  interface PluginOptions {
    'coda-plugin-webhook-mirror': typeof plugin;
  }
}
