import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import plugin from 'coda-plugin-readout-mitigation';
import { bell, ghz, testPlugin } from 'coda-node/testing';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'readout-mitigation-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A calibration file of qubits with these rates: [reads 1 if 0, reads 0 if 1]. */
async function calibration(name: string, rates: readonly (readonly [number, number])[]): Promise<string> {
  const file = join(folder, name);
  const qubits = rates.map(([readsOneIfZero, readsZeroIfOne]) => ({ readsOneIfZero, readsZeroIfOne }));
  await writeFile(file, JSON.stringify({ id: name, qubits }));
  return file;
}

/** What a device with these rates reads, of qubits that are all 0 or all 1 with probability 1/2 each. */
function read(rates: readonly (readonly [number, number])[], shots: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let outcome = 0; outcome < 2 ** rates.length; outcome += 1) {
    const bits = outcome.toString(2).padStart(rates.length, '0');
    const ofState = (isOne: boolean): number =>
      rates.reduce((product, [one, zero], i) => {
        const readsOne = isOne ? 1 - zero : one;
        return product * (bits[i] === '1' ? readsOne : 1 - readsOne);
      }, 1);
    counts[bits] = Math.round((shots * (ofState(false) + ofState(true))) / 2);
  }
  return counts;
}

describe('the mitigation', () => {
  it('gives back what a device without errors measures, in whole numbers with the same sum', async () => {
    const rates = [
      [0.02, 0.1],
      [0.05, 0.01],
      [0.1, 0.2],
    ] as const;
    const file = await calibration('three', rates);
    const counts = read(rates, 10_000);
    const { jobs } = await testPlugin(plugin, {
      options: { file },
      jobs: [{ ir: ghz(3, 'cz').ir, result: { counts } }],
    });
    const [job] = jobs;
    assert.ok(job?.outcome?.status === 'completed');
    const { '000': zeros = 0, '111': ones = 0, ...others } = job.outcome.counts;
    assert.ok(Math.abs(zeros - 5000) < 10 && Math.abs(ones - 5000) < 10, JSON.stringify(job.outcome.counts));
    const rest = Object.values(others).reduce((sum, count) => sum + count, 0);
    assert.equal(
      zeros + ones + rest,
      Object.values(counts).reduce((sum, count) => sum + count, 0),
    );
    assert.equal((job.annotations['readout-mitigation'] as { calibration: string }).calibration, 'three');
  });

  it('never reports a count below 0', async () => {
    const file = await calibration('too-strong', [
      [0.3, 0.3],
      [0.3, 0.3],
    ]);
    const { jobs } = await testPlugin(plugin, {
      options: { file },
      jobs: [{ result: { counts: { '00': 90, '01': 5, '10': 3, '11': 2 } } }],
    });
    const [job] = jobs;
    assert.ok(job?.outcome?.status === 'completed');
    assert.deepEqual(job.outcome.counts, { '00': 100 });
    assert.ok((job.annotations['readout-mitigation'] as { negative: number }).negative < -0.1);
  });

  it('knows which character is which qubit, at either end', async () => {
    const file = await calibration('one-bad', [
      [0, 0.5],
      [0, 0],
    ]);
    const ir = { ...bell('cz').ir, measurements: [0, 1] };
    // The left character is often read as 0.
    const job = { ir, result: { counts: { '11': 50, '01': 50 } } };
    const countsWith = async (firstMeasurement: 'left' | 'right'): Promise<unknown> => {
      const { jobs } = await testPlugin(plugin, { options: { file, firstMeasurement }, jobs: [job] });
      return jobs[0]?.outcome?.status === 'completed' && jobs[0].outcome.counts;
    };
    assert.deepEqual(await countsWith('left'), { '11': 100 });
    assert.deepEqual(await countsWith('right'), { '01': 50, '11': 50 });
  });

  it('leaves a result alone that has too many measurements', async () => {
    const { jobs } = await testPlugin(plugin, {
      options: { file: 'nowhere', maxQubits: 2 },
      jobs: [{ ir: ghz(3, 'cz').ir, result: { counts: { '000': 7 } } }],
    });
    assert.deepEqual(jobs[0]?.outcome?.status === 'completed' && jobs[0].outcome.counts, { '000': 7 });
  });

  it('without usable error rates fails the job, and what was measured is kept', async () => {
    const file = await calibration('hopeless', [
      [0.5, 0.5],
      [0, 0],
    ]);
    const counts = { '00': 3, '11': 1 };
    const played = await testPlugin(plugin, { options: { file }, jobs: [{ result: { counts } }] });
    const [job] = played.jobs;
    assert.equal(job?.ending, 'failed');
    assert.match(job.error ?? '', /plugin 'readout-mitigation' failed in mapResult: .*probabilities/);
    assert.deepEqual(job.measured?.status === 'completed' && job.measured.counts, counts);
  });
});
