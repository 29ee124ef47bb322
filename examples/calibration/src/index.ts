// Calibrates the readout before a job if the last calibration is too old. The device is the plugin's while it does, each
// result carries the id of its calibration, and drift is reported.
import { definePlugin, type CodaNode, type RunContext } from 'coda-node';
import { measureReadout } from './measure.ts';
import { driftBetween, readCalibration, worstOf, writeCalibration, type Calibration } from './calibration.ts';

const plugin = definePlugin({
  name: 'calibration',
  options: {
    type: 'object',
    properties: {
      everyMinutes: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 60,
        description: 'age at which it is repeated',
      },
      shots: { type: 'integer', minimum: 1, default: 1000, description: 'shots of each of its two circuits' },
      file: {
        type: 'string',
        format: 'path',
        default: 'calibration.json',
        description: 'where the last one is kept',
      },
      maxDrift: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: 1,
        default: 0.02,
        description: 'change of an error rate, since the last calibration, that is reported',
      },
      timeoutSec: {
        type: 'number',
        exclusiveMinimum: 0,
        default: 600,
        description: 'longest time for one calibration',
      },
    },
  },
  apply(node, { everyMinutes, shots, file, maxDrift, timeoutSec }) {
    let latest: Calibration | undefined;
    let drift: number | undefined;

    node.hooks.start.tapPromise('calibration', async () => {
      latest = await readCalibration(file);
    });

    // In `onJob` the device is this plugin's: nothing runs on it until the tap has ended.
    node.hooks.onJob.tapPromise({ name: 'calibration', timeoutSec }, async (job, context) => {
      if (latest === undefined || ageInMinutes(latest) >= everyMinutes) {
        const measured = await calibrate(node, shots, context);
        drift = latest === undefined ? undefined : driftBetween(latest, measured);
        if (drift !== undefined && drift > maxDrift) {
          context.log.warn(`the readout has drifted by ${drift.toFixed(4)} since calibration ${latest?.id}`);
        }
        await writeCalibration(file, measured);
        latest = measured;
      }
      job.annotate('calibration', latest.id);
    });

    node.hooks.readiness.tap('calibration', (report) => {
      if (latest === undefined) return;
      const { id, at } = latest;
      report.add('calibration', { id, at, worst_error: worstOf(latest), drift: drift ?? null });
      if (drift === undefined || drift <= maxDrift) return;
      report.trouble(
        `the readout has drifted by ${drift.toFixed(4)}, more than ${maxDrift}, at calibration ${id}`,
        'Check the device. Calibrate more often (everyMinutes) if it is only slow to settle.',
      );
    });
  },
});

export default plugin;

declare module 'coda-node' {
  interface PluginOptions {
    'coda-plugin-calibration': typeof plugin;
  }
}

async function calibrate(node: CodaNode, shots: number, { signal, log }: RunContext): Promise<Calibration> {
  const { nativeGateSet, numQubits } = node.session;
  log.info(`calibrating the readout of ${numQubits} qubits`);
  const at = new Date().toISOString();
  const context: RunContext = { jobId: `calibration-${at}`, signal, log };
  const qubits = await measureReadout(node.executor, nativeGateSet, numQubits, shots, context);
  return { id: at, at, qubits };
}

function ageInMinutes({ at }: Calibration): number {
  return (Date.now() - Date.parse(at)) / 60_000;
}
