// The bench measures what it says, and does not count a measurement that went wrong. No test checks speed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gap } from '../../bench/figures/gap.ts';
import { FIGURES } from '../../bench/figures/index.ts';
import { throughput } from '../../bench/figures/throughput.ts';
import { Lab } from '../../bench/lab/lab.ts';
import { percentile } from '../../bench/lab/stats.ts';
import { Trial } from '../../bench/lab/trial.ts';
import { WEBHOOK_PATH } from '../../bench/lab/wire.ts';
import { rowOf, type Row } from '../../bench/figure.ts';
import { MARKERS, PAGES, tableOf, withTable, type Results } from '../../bench/table.ts';

const ROWS: readonly Row[] = [
  {
    figure: 'throughput',
    what: 'throughput',
    goal: '≥ 0.5 × bare',
    unit: 'jobs/s',
    better: 'higher',
    node: { median: 12_345.6, min: 12_000, max: 13_000, repetitions: 3 },
    bare: { median: 20_000, min: 19_000, max: 21_000, repetitions: 3 },
    original: { median: 30, min: 30, max: 30, repetitions: 1 },
    perBare: 0.61728,
    verdict: 'met',
  },
  { figure: 'memory', what: 'memory', goal: '≤ 70 MiB', unit: 'MiB', better: 'lower', note: 'not measured' },
];
const RESULTS: Results = {
  form: 'full',
  takenAt: '2026-01-02T03:04:05.000Z',
  machine: {
    cpu: 'Some CPU',
    cores: 2,
    memoryGb: 8,
    node: 'v20.19.0',
    redis: '7.0.0',
    system: 'Linux 6',
    stateOn: 'ext4',
    loadBefore: 0.1,
  },
  rows: ROWS,
};

describe('a lab', () => {
  let lab: Lab;
  before(async () => {
    lab = await Lab.open({ form: 'tiny', original: undefined, say: () => {} });
  });
  after(() => lab.close());

  for (const figure of [gap, throughput]) {
    it(`takes the figure '${figure.name}' of the node and of the bare loop`, async () => {
      const rows = await figure.measure(lab);
      assert.ok(rows.length >= 3);
      for (const row of rows) {
        assert.equal(row.figure, figure.name);
        assert.equal(row.original, undefined);
        for (const spread of [row.node, row.bare]) {
          if (spread === undefined) continue;
          assert.ok(spread.min >= 0 && spread.min <= spread.median && spread.median <= spread.max, row.what);
        }
      }
      assert.ok(rows.some(({ bare }) => bare !== undefined));
    });
  }

  it('sees a device that is busy while it runs', async () => {
    const rows = await gap.measure(lab);
    const busy = rows.find(({ what }) => what.startsWith('device busy'));
    assert.ok((busy?.node?.median ?? NaN) > 0 && (busy?.node?.median ?? NaN) <= 100);
  });

  for (const [what, bodies] of Object.entries({
    'a wrong body': ['{"job_id":"<1>","status":"failed","error":"no"}'],
    'a job that was never submitted': [completed('<9>')],
    'a job that was delivered twice': [completed('<1>'), completed('<1>')],
  })) {
    it(`does not count a measurement with ${what}`, async () => {
      const trial = await Trial.open(lab, { subject: 'bare', executor: 'createNoop' });
      await (await trial.start()).ready();
      const { jobId } = await trial.submit();
      const { origin } = await lab.route(0);
      for (const body of bodies) {
        const text = body.replace(/<(\d+)>/, (_, n: string) => jobId.replace(/\d+$/, n));
        await fetch(origin + WEBHOOK_PATH, {
          method: 'POST',
          body: text,
          headers: { authorization: 'Bearer x' },
        });
      }
      await assert.rejects(trial.finish(), /does not count/);
      await trial.abandon();
    });
  }
});

function completed(jobId: string): string {
  const body = { status: 'completed', counts: { '00': 1000 }, execution_time_ms: 0, shots_completed: 1000 };
  return JSON.stringify({ job_id: jobId, ...body });
}

describe('the statistics', () => {
  it('take percentiles by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.equal(percentile(values, 99), 99);
    assert.equal(percentile(values, 50), 50.5);
    assert.equal(percentile([3], 99), 3);
  });
});

describe('a row', () => {
  it('has the ratio of the single turns, which a machine that becomes slower does not change', () => {
    const samples = {
      node: [{ us: 10 }, { us: 40 }, { us: 60 }],
      bare: [{ us: 10 }, { us: 20 }, { us: 30 }],
      original: [],
    };
    const words = { figure: 'a figure', what: '', goal: '', unit: 'µs', better: 'lower' as const };
    const row = rowOf(words, samples, 'us', ({ perBare }) => perBare <= 1.9);
    assert.equal(row.perBare, 2);
    assert.equal(row.verdict, 'missed');
    const alone = rowOf(words, { ...samples, bare: [] }, 'us', ({ perBare }) => perBare <= 1.9);
    assert.equal(alone.perBare, undefined);
  });
});

describe('the table', () => {
  it('shows every subject, the ratios, and what could not be measured', () => {
    const text = tableOf(RESULTS);
    const [, , first = '', second = ''] = text.split('\n');
    const cells = first.split('|').map((cell) => cell.trim());
    assert.deepEqual(cells.slice(1, -1), [
      'throughput',
      '≥ 0.5 × bare',
      '12,346 jobs/s (12,000–13,000)',
      '20,000 jobs/s (19,000–21,000)',
      '30 jobs/s',
      '0.617 ×',
      '412 ×',
      'met',
    ]);
    assert.match(second, /memory/);
    assert.match(text, /memory: not measured\./);
    assert.match(text, /2026-01-02 on Some CPU, 2 cores/);
  });

  it('replaces what stands between the markers, and nothing else', () => {
    const [begin, end] = MARKERS;
    const once = withTable(`before\n${begin}\nold\n${end}\nafter\n`, RESULTS);
    assert.ok(once.startsWith(`before\n${begin}\n\n| figure`) && once.endsWith(`\n\n${end}\nafter\n`));
    assert.equal(withTable(once, RESULTS), once);
    assert.throws(() => withTable('no markers', RESULTS), /to put the table between/);
  });

  it('shows only the named rows, and refuses a name that no row has', () => {
    const empty = MARKERS.join('\n');
    const text = withTable(empty, RESULTS, ['memory']);
    assert.match(text, /^\| memory /m);
    assert.doesNotMatch(text, /^\| throughput /m);
    assert.throws(() => withTable(empty, RESULTS, ['speed']), /have no row 'speed'/);
  });

  it('in the README and in bench/README.md is that of the last results', () => {
    const results = JSON.parse(readFileSync(join('bench', 'results.json'), 'utf8')) as Results;
    for (const { path, rows } of PAGES) {
      const page = readFileSync(path, 'utf8');
      assert.equal(
        withTable(page, results, rows),
        page,
        `${path} is out of date: npm run bench -- none --readme`,
      );
    }
  });
});

describe('the command', () => {
  const bench = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [resolve('dist', 'bench', 'main.js'), ...args], { encoding: 'utf8' });

  it('shows every figure in its help', () => {
    const { status, stdout } = bench('--help');
    assert.equal(status, 0);
    for (const { name } of FIGURES) assert.match(String(stdout), new RegExp(`^ {2}${name} `, 'm'));
  });

  it('refuses a figure that does not exist', () => {
    const { status, stdout } = bench('speed');
    assert.equal(status, 2);
    assert.match(String(stdout), /no figure 'speed'/);
  });

  it('names an unknown option in one line', () => {
    const { status, stdout } = bench('--fast');
    assert.equal(status, 2);
    assert.match(String(stdout), /^Unknown option '--fast'; see npm run bench -- --help\n$/);
  });

  it('has every figure explained', () => {
    const text = readFileSync(join('bench', 'README.md'), 'utf8');
    for (const { name } of FIGURES) assert.match(text, new RegExp(`^### \`${name}\``, 'm'));
  });
});
