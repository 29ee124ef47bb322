import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import plugin from 'coda-plugin-calibration';
import type { Executor } from 'coda-node';
import { testPlugin } from 'coda-node/testing';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'calibration-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const MINUTE = 60_000;
const settings = { numQubits: 2 };

/** A device of two qubits that reads them wrong as often as the test says, and notes what it ran. */
class Device implements Executor {
  readonly runs: string[] = [];
  readsOneIfZero = 0.1;
  busy = 0;
  most = 0;

  async run(...[ir, shots, { jobId, signal }]: Parameters<Executor['run']>): ReturnType<Executor['run']> {
    this.runs.push(jobId.startsWith('calibration-') ? 'calibration' : jobId);
    this.busy += 1;
    this.most = Math.max(this.most, this.busy);
    await new Promise<void>((resolve) => void setImmediate(resolve));
    this.busy -= 1;
    signal.throwIfAborted();
    const turned = ir.gates.length > 0;
    const wrong = Math.round(this.readsOneIfZero * shots);
    const counts: Record<string, number> = turned ? { '11': shots } : { '00': shots - wrong, '10': wrong };
    return { counts, executionTimeMs: 1, shotsCompleted: shots };
  }
}

describe('the calibration', () => {
  it('runs before the first job, and again when it is old enough', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-03-01T09:00:00Z') });
    const executor = new Device();
    const file = join(folder, 'calibration.json');
    const { jobs } = await testPlugin(plugin, {
      options: { file, everyMinutes: 60 },
      settings,
      executor,
      jobs: [
        {},
        {},
        () => t.mock.timers.setTime(Date.now() + 59 * MINUTE),
        {},
        () => t.mock.timers.setTime(Date.now() + MINUTE),
        {},
      ],
    });
    const twice = ['calibration', 'calibration'];
    assert.deepEqual(executor.runs, [...twice, 'job-1', 'job-2', 'job-3', ...twice, 'job-4']);
    assert.deepEqual(
      jobs.map(({ annotations }) => annotations['calibration']),
      [
        '2026-03-01T09:00:00.000Z',
        '2026-03-01T09:00:00.000Z',
        '2026-03-01T09:00:00.000Z',
        '2026-03-01T10:00:00.000Z',
      ],
    );
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), {
      id: '2026-03-01T10:00:00.000Z',
      at: '2026-03-01T10:00:00.000Z',
      qubits: [
        { readsOneIfZero: 0.1, readsZeroIfOne: 0 },
        { readsOneIfZero: 0, readsZeroIfOne: 0 },
      ],
    });
  });

  it('is not repeated after a restart', async () => {
    const options = { file: join(folder, 'calibration.json') };
    const executor = new Device();
    await testPlugin(plugin, { options, settings, executor });
    await testPlugin(plugin, { options, settings, executor });
    assert.deepEqual(executor.runs, ['calibration', 'calibration', 'job-1', 'job-1']);
  });

  it('reports drift', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 0 });
    const executor = new Device();
    let troubles: readonly { text: string }[] = [];
    const { log } = await testPlugin(plugin, {
      options: { file: join(folder, 'calibration.json'), everyMinutes: 1, maxDrift: 0.05 },
      settings,
      executor,
      jobs: [
        {},
        () => {
          executor.readsOneIfZero = 0.2;
          t.mock.timers.setTime(MINUTE);
        },
        {},
        (node) => {
          troubles = node.readiness().troubles;
        },
      ],
    });
    assert.match(troubles.map(({ text }) => text).join(), /drifted by 0\.1000, more than 0\.05/);
    assert.ok(log.some((line) => line.includes('the readout has drifted by 0.1000')));
  });

  it('has the device alone, whenever a job is cancelled', async () => {
    const executor = new Device();
    const { jobs } = await testPlugin(plugin, {
      // Too old at once: it runs before each job.
      options: { file: join(folder, 'calibration.json'), everyMinutes: 1e-9 },
      settings,
      executor,
      jobs: Array.from({ length: 40 }, (_, i) => {
        const cancel = [undefined, 'running', 'queued', Promise.resolve()][i % 4] as 'running';
        return i % 4 === 0 ? {} : { cancel };
      }),
    });
    assert.equal(executor.most, 1);
    assert.ok(jobs.every(({ ending }, i) => ending === (i % 4 === 0 ? 'completed' : 'cancelled')));
  });

  it('that cannot be read stops the start, with what to do', async () => {
    const file = join(folder, 'calibration.json');
    await writeFile(file, '{}');
    await assert.rejects(testPlugin(plugin, { options: { file } }), /holds no calibration; remove it/);
  });
});
