// Writes what happens to each job into a file, one JSON object a line: that it ran, was delivered, refused or cancelled.
import { definePlugin } from 'coda-node';
import { RotatingFile } from './rotating-file.ts';

const plugin = definePlugin({
  name: 'job-log',
  options: {
    type: 'object',
    properties: {
      file: {
        type: 'string',
        format: 'path',
        default: 'jobs.jsonl',
        description: 'the file that is written',
      },
      maxMb: { type: 'number', exclusiveMinimum: 0, default: 10, description: 'size at which it is rotated' },
      keep: {
        type: 'integer',
        minimum: 1,
        maximum: 100,
        default: 5,
        description: 'how many old files are kept',
      },
      counts: { type: 'boolean', default: true, description: 'whether the counts are written' },
    },
  },
  apply(node, { file, maxMb, keep, counts }) {
    const log = new RotatingFile(file, maxMb * 1024 * 1024, keep);
    node.onClose('the job log', () => log.flushed());

    const write = (event: string, jobId: string, fields: object): Promise<void> =>
      log.append(JSON.stringify({ at: new Date().toISOString(), event, jobId, ...fields }));

    // A promise that is returned here and rejects is logged by the node, with the name of the plugin.
    node.hooks.afterRun.tapPromise('job-log', (job, outcome) => {
      const { memory: _memory, ...rest } = outcome;
      // JSON leaves out what is undefined.
      const shown = counts || rest.status === 'failed' ? rest : { ...rest, counts: undefined };
      return write('ran', job.jobId, { shots: job.shots, ...shown, annotations: job.annotations });
    });

    node.hooks.afterDeliver.tapPromise('job-log', async ({ jobId, outcome }, attempt, delivery) => {
      // The next attempt follows by itself.
      if (delivery.kind === 'retry') return;
      const reason = delivery.kind === 'refused' ? { reason: delivery.reason } : {};
      const error = outcome.status === 'failed' ? { error: outcome.error } : {};
      await write(delivery.kind, jobId, { status: outcome.status, attempt, ...reason, ...error });
    });

    node.hooks.onCancel.tapPromise('job-log', ({ jobId, stage }) => write('cancelled', jobId, { stage }));
  },
});

export default plugin;

declare module 'coda-node' {
  interface PluginOptions {
    'coda-plugin-job-log': typeof plugin;
  }
}
