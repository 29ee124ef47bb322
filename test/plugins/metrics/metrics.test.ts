// What Prometheus gets: it agrees with the jobs done, promtool finds nothing wrong with it, and every query of the alert rules
// and the dashboard has an answer in a real Prometheus.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import type { Executor } from '../../../src/index.ts';
import { healthAddress } from '../../../src/kit.ts';
import { bell, startTestNode, waitUntil, type TestNode } from '../../../src/testing/index.ts';
import { METRICS, type MetricSpec } from '../../../plugins/metrics/table.ts';
import { cloud } from '../../support/cloud.ts';
import { zeros } from '../../support/executors.ts';

const BIN = 'dist/test-prometheus/usr/bin';
const skip = existsSync(join(BIN, 'promtool')) ? false : 'Prometheus could not be had (see setup)';
const { ir } = bell('cz');
const FAILS = 5;
const STAYS = 6;

const executor: Executor = {
  run(circuit, shots, { signal }) {
    if (shots === FAILS) return Promise.reject(new Error('no luck'));
    if (shots !== STAYS) return Promise.resolve(zeros(circuit, shots));
    return new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(new Error('stopped'))),
    );
  },
};

/** The values of a scrape by their name with labels. */
function valuesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('GET /metrics', () => {
  let test: TestNode;
  let url = '';
  before(async () => {
    const env = { CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '0.1', CODA_HEARTBEAT_INTERVAL_SEC: '0.1' };
    test = await startTestNode({ cloud, executor, env });
    const { host, port } = test.node.services.require(healthAddress)()();
    url = `http://${host}:${port}/metrics`;
  });
  after(async () => {
    await test.stop();
    assert.deepEqual(cloud.violations, []);
  });

  const scrape = async (): Promise<string> => {
    const answer = await fetch(url);
    assert.equal(answer.status, 200, test.log.filter((line) => line.includes('failed')).join('\n'));
    assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
    return answer.text();
  };

  it('agrees with the jobs done, also while it is scraped in a load', async () => {
    const delivered = cloud.deliveries.length;
    cloud.fail('webhook', { status: 503, times: 7 });
    const ids = await Promise.all(
      Array.from({ length: 220 }, (_, i) => cloud.submit({ ir, shots: i % 11 === 0 ? FAILS : 4 })),
    );
    let isDone = false;
    const scraping = (async () => {
      for (let last = 0; !isDone;) {
        const now = valuesOf(await scrape()).get('coda_job_run_seconds_count') ?? -1;
        assert.ok(now >= last && now <= ids.length + 2);
        last = now;
      }
    })();
    const outcomes = await Promise.all(ids.map((id) => cloud.outcome(id)));
    const stuck = await cloud.submit({ ir, shots: STAYS });
    await cloud.whenState(stuck, 'executing');
    await cloud.cancel(stuck);
    await cloud.whenState(stuck, 'cancelled');
    await waitUntil('the last acknowledgement', async () => (await cloud.pending()) === 0);
    await waitUntil('the last delivery', () => test.node.jobs.figures().undelivered === 0);
    isDone = true;
    await scraping;
    await test.node.jobs.runLocal(ir, { shots: 4 });
    const values = valuesOf(await scrape());
    const failed = outcomes.filter(({ status }) => status === 'failed').length;
    assert.equal(failed, 20);
    const expected = {
      'coda_jobs_total{outcome="completed",origin="cloud"}': ids.length - failed,
      'coda_jobs_total{outcome="failed",origin="cloud"}': failed,
      'coda_jobs_total{outcome="cancelled",origin="cloud"}': 1,
      'coda_jobs_total{outcome="completed",origin="local"}': 1,
      'coda_jobs_total{outcome="failed",origin="local"}': 0,
      coda_job_run_seconds_count: ids.length + 2,
      'coda_job_run_seconds_bucket{le="+Inf"}': ids.length + 2,
      coda_job_wait_seconds_count: ids.length + 1,
      coda_job_shots_total: 4 * (ids.length - failed + 1),
      'coda_deliveries_total{result="delivered"}': ids.length,
      'coda_deliveries_total{result="retry"}': cloud.deliveries.length - delivered - ids.length,
      'coda_deliveries_total{result="refused"}': 0,
      coda_delivery_age_seconds_count: ids.length,
      coda_jobs_running: 0,
      coda_jobs_waiting: 0,
      coda_outbox_results: 0,
      coda_outbox_oldest_seconds: 0,
      coda_ready: 1,
      coda_paused: 0,
      coda_redis_up: 1,
      coda_vpn_up: 1,
    };
    assert.deepEqual(
      Object.fromEntries(Object.keys(expected).map((name) => [name, values.get(name)])),
      expected,
    );
    const { busyMs } = test.node.jobs.device();
    const busy = values.get('coda_device_busy_seconds_total') ?? 0;
    assert.ok(busy > 0 && busy <= busyMs / 1000);
  });

  it('has each metric of the table, and no label that grows', async () => {
    const text = await scrape();
    const specs: Readonly<Record<string, MetricSpec>> = METRICS;
    for (const [name, { type }] of Object.entries(specs)) {
      assert.ok(text.includes(`# TYPE ${name} ${type}\n`), name);
      assert.match(text, new RegExp(`^${name}(_bucket|_sum)?[ {]`, 'm'), name);
    }
    assert.doesNotMatch(text, /job-/);
  });

  it('is what promtool wants, and what the alert rules and the dashboard ask for', { skip }, async () => {
    const check = spawnSync(join(BIN, 'promtool'), ['check', 'metrics'], {
      input: await scrape(),
      encoding: 'utf8',
    });
    // Node's own figures, whose names the library gives, are not ours to change.
    const faults = check.stderr.split('\n').filter((line) => line.startsWith('coda_'));
    assert.deepEqual(faults, [], check.stderr);
    const rules = spawnSync(join(BIN, 'promtool'), ['check', 'rules', 'docs/monitoring/alerts.yml']);
    assert.equal(rules.status, 0, String(rules.stdout) + String(rules.stderr));
    await withPrometheus(new URL(url).host, async (query) => {
      for (const expression of [...alertQueries(), ...dashboardQueries()]) {
        await waitUntil(`an answer to ${expression}`, async () => (await query(expression)) > 0, {
          timeoutMs: 30_000,
        });
      }
    });
  });
});

/** A comparison would leave nothing of a series for which it is false. */
function alertQueries(): string[] {
  const { groups } = parse(readFileSync('docs/monitoring/alerts.yml', 'utf8')) as {
    groups: readonly { rules: readonly { expr: string }[] }[];
  };
  return groups.flatMap(({ rules }) => rules.map(({ expr }) => expr.replaceAll(/ (==|>|<) /g, ' $1 bool ')));
}

function dashboardQueries(): string[] {
  const { panels } = JSON.parse(readFileSync('docs/monitoring/dashboard.json', 'utf8')) as {
    panels: readonly { targets: readonly { expr: string }[] }[];
  };
  return panels.flatMap(({ targets }) =>
    targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*')),
  );
}

/** A Prometheus that scrapes the node; `query` says how many series an expression has. */
async function withPrometheus(
  target: string,
  use: (query: (expression: string) => Promise<number>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coda-prometheus-'));
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `global: { scrape_interval: 250ms, scrape_timeout: 250ms }
rule_files: [ '${join(process.cwd(), 'docs/monitoring/alerts.yml')}' ]
scrape_configs: [ { job_name: coda-node, static_configs: [ { targets: [ '${target}' ] } ] } ]
`,
  );
  const port = await freePort();
  const child = spawn(
    join(BIN, 'prometheus'),
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    await use(async (expression) => {
      const query = new URLSearchParams({ query: expression });
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?${query.toString()}`).catch(
        () => undefined,
      );
      if (answer === undefined) return 0;
      const body = (await answer.json().catch(() => ({}))) as {
        data?: { result: readonly unknown[] };
        error?: string;
      };
      assert.equal(body.error, undefined, expression);
      return body.data?.result.length ?? 0;
    });
  } finally {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
