// `coda pause` and `coda resume`, as processes: with a node that runs, that restarts, and that is stopped.
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bell, waitUntil } from '../../../src/testing/index.ts';
import { asStranger, needsRoot } from '../../support/second-user.ts';
import { bench, cloud } from '../workbench.ts';

const job = { ir: bell('cz').ir, shots: 6 };

describe('coda pause', () => {
  const live = async (): Promise<Record<string, unknown>> => {
    const { output } = await bench.run(['status', '--json']);
    return (JSON.parse(output) as { live: Record<string, unknown> }).live;
  };

  it('keeps jobs in the stream, heartbeats on, and outlives a restart', async () => {
    await bench.ends(0, ['start', '-d'], {
      CODA_NODE_TOKEN: cloud.issueToken(),
      CODA_HEARTBEAT_INTERVAL_SEC: '0.1',
    });
    assert.match(await bench.ends(0, ['pause', '--reason', 'warm fridge']), /^paused/);
    const first = await cloud.submit(job);
    const beats = cloud.heartbeats.length;
    await waitUntil('more heartbeats', () => cloud.heartbeats.length > beats + 3);
    assert.equal(cloud.results.has(first), false);
    assert.match(
      await bench.ends(0, ['status']),
      /no: paused by the operator: warm fridge[^]*paused +since 2/,
    );
    assert.equal((await live())['ready'], false);
    await bench.ends(0, ['stop']);

    assert.match(await bench.ends(0, ['start', '-d']), /PAUSED/);
    const second = await cloud.submit(job);
    assert.equal((await live())['current_job'], null);
    assert.equal(cloud.results.size, 0);
    assert.equal(await bench.ends(0, ['resume']), 'resumed\n');
    for (const jobId of [first, second]) assert.equal((await cloud.outcome(jobId)).status, 'completed');
    assert.equal((await live())['ready'], true);
    assert.match(
      bench.log,
      /paused by the operator: warm fridge → No job is taken until coda resume[^]*resumed by the operator/,
    );
  });

  it('works with the node stopped, and says so', async () => {
    assert.match(await bench.ends(0, ['pause']), /no node runs here/);
    assert.deepEqual(JSON.parse(await bench.ends(0, ['pause', '--json'])), {
      paused: true,
      running: false,
      noticed: false,
    });
    assert.match(await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() }), /PAUSED/);
    assert.match(await bench.ends(0, ['resume']), /^resumed/);
    assert.match(await bench.ends(0, ['resume']), /it was not paused/);
  });

  it('also holds if its file cannot be understood', async () => {
    await bench.ends(0, ['pause']);
    writeFileSync(join(bench.stateDir, 'coda-node-spool', 'paused.json'), '{');
    assert.match(await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() }), /PAUSED/);
  });
});

describe("another user's node", needsRoot, () => {
  it('is not said to be paused, resumed, or to have another log level', async () => {
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken() });
    await bench.ends(0, ['pause']);
    chmodSync(bench.folder, 0o755);
    const commands = [
      ...[['resume'], ['pause'], ['log-level'], ['log-level', '--reset'], ['log-level', 'debug']],
      ...[['logs'], ['jobs'], ['stats'], ['page']],
    ];
    const refused = async (says: RegExp): Promise<void> => {
      await Promise.all(
        commands.map(async (args) => {
          const started = bench.spawn(args, {}, asStranger);
          assert.equal(await started.ended, 1, args.join(' '));
          const output = started.output();
          assert.match(output, says, args.join(' '));
          assert.doesNotMatch(output, /^ {4}at |resumed|paused:|takes effect|by the settings|removes it/m);
        }),
      );
    };
    for (const mode of [0o700, 0o755]) {
      chmodSync(bench.stateDir, mode);
      await refused(/→ .*(node's user|sudo -u)/);
    }
    assert.match(await bench.ends(0, ['status']), /paused by the operator/);
    // Also while it is stopped.
    await bench.ends(0, ['stop']);
    chmodSync(bench.stateDir, 0o700);
    commands.splice(2, 1);
    await refused(/→ /);
    assert.equal(
      await bench.ends(0, ['resume']),
      'resumed\nno node runs here; this takes effect at its next start\n',
    );
  });
});
