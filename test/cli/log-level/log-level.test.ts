// `coda log-level`, as processes: with a node that runs, that restarts, and that is stopped.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { waitUntil } from '../../../src/testing/index.ts';
import { bench, cloud } from '../workbench.ts';

const PLUGIN = `export default { plugins: [{
  name: 'fridge',
  apply(node) {
    const timer = setInterval(() => node.log.debug('still cold'), 20);
    node.onClose('fridge', () => clearInterval(timer));
  },
}] };`;

describe('coda log-level', () => {
  const file = (): string => join(bench.stateDir, 'coda-node-spool', 'log-level.json');
  const asked = async (args: readonly string[]): Promise<Record<string, unknown>> =>
    JSON.parse(await bench.ends(0, ['log-level', ...args, '--json'])) as Record<string, unknown>;
  /** How many lines of a plugin, or of the node itself, the log has by now. */
  const count = (name: string): number => bench.log.split(`DEBUG ${name}`).length;
  const goesOn = async (name: string): Promise<void> => {
    const before = count(name);
    await waitUntil(`lines of ${name}`, () => count(name) > before + 3);
  };

  it('changes a running node, for one plugin or all, until its time is over, also after a restart', async () => {
    writeFileSync(join(bench.folder, 'coda.config.mjs'), PLUGIN);
    const env = { CODA_HEARTBEAT_INTERVAL_SEC: '0.1', CODA_LOG_LEVELS: '{"heartbeat":"debug"}' };
    await bench.ends(0, ['start', '-d'], { CODA_NODE_TOKEN: cloud.issueToken(), ...env });
    await goesOn('heartbeat');
    assert.equal(count('fridge'), 1);
    assert.match(
      await bench.ends(0, ['log-level']),
      /^log level +info +by the settings\nheartbeat +debug +by the settings\n$/,
    );

    const said = await bench.ends(0, [
      'log-level',
      'fridge=debug',
      'heartbeat=warn',
      'vnp=debug',
      '--for',
      '1h',
    ]);
    assert.match(said, /^fridge +debug +for (1 h|59 min \d+ s) more, until 20\S+Z$/m);
    assert.match(said, /nothing in this node is named vnp →/);
    await goesOn('fridge');
    assert.match(bench.log, /INFO {2}the operator has set the level of the log: fridge=debug until 20/);
    await bench.ends(0, ['log-level', '--reset', '--plugin', 'heartbeat']);
    await goesOn('heartbeat');

    // One that ends by itself: nobody touches the file then.
    await bench.ends(0, ['log-level', '--reset']);
    await bench.ends(0, ['log-level', 'debug', '--for', '1h']);
    await waitUntil('the level', () => bench.log.includes('the level of the log: debug until'));
    await goesOn('fridge');
    const back = (): number => bench.log.split('the log has the levels of the settings again').length;
    const before = back();
    const soon = new Date(Date.now() + 1_500).toISOString();
    writeFileSync(file(), JSON.stringify({ levels: [{ plugin: null, level: 'debug', until: soon }] }));
    await waitUntil('the end of the time', () => back() > before);
    await waitUntil('the level of the settings', async () =>
      (await bench.ends(0, ['log-level'])).startsWith('log level     info'),
    );
    assert.equal(existsSync(file()), true);

    await bench.ends(0, ['log-level', '--plugin', 'fridge', 'debug', '--for', '1h']);
    await bench.ends(0, ['stop']);
    const stopped = count('fridge');
    await bench.ends(0, ['start', '-d'], env);
    await waitUntil('lines after the restart', () => count('fridge') > stopped + 3);
    assert.match(await bench.ends(0, ['log-level']), /^fridge +debug +for \d.* more, until 20\S+Z$/m);
    // What holds for longer holds again after what holds for less.
    const longer = (await asked(['fridge=warn']))['set'];
    await asked(['fridge=debug', '--for', '2h']);
    const shorter = await asked(['fridge=info', '--for', '1h']);
    const levels = (shorter['set'] as { level: string }[]).map(({ level }) => level);
    assert.deepEqual(levels, ['warn', 'debug', 'info']);
    assert.deepEqual((shorter['live'] as Record<string, unknown>)['plugins'], {
      heartbeat: 'debug',
      fridge: 'info',
    });
    assert.match(await bench.ends(0, ['log-level']), /^fridge +info +for (1 h|59 min \d+ s) more/m);
    assert.deepEqual((await asked(['fridge=warn']))['set'], longer);

    // Two commands at once: the second has read the file before the first wrote it. The node is held, so that it does not
    // confirm the first one meanwhile.
    process.kill(bench.pid, 'SIGSTOP');
    const first = bench.spawn(['log-level', 'vpn=debug']);
    await waitUntil('the first', () => readFileSync(file(), 'utf8').includes('vpn'));
    const second = [{ plugin: 'queue', level: 'debug', until: null }];
    writeFileSync(file(), JSON.stringify({ levels: second }));
    await waitUntil('both', () => /queue.*vpn/.test(readFileSync(file(), 'utf8')));
    process.kill(bench.pid, 'SIGCONT');
    assert.equal(await first.ended, 0);

    writeFileSync(file(), '{');
    await waitUntil('the warning', () => bench.log.includes('has set cannot be understood'));
    await bench.ends(0, ['log-level', '--reset']);
    assert.equal(existsSync(file()), false);
  });

  it('also works while no node runs, and refuses what makes no sense', async () => {
    assert.match(await bench.ends(0, ['log-level']), /the levels of the settings\nno node runs here/);
    const done = await asked(['debug']);
    assert.deepEqual(done, {
      running: false,
      set: [{ plugin: null, level: 'debug', until: null }],
      live: null,
    });
    assert.equal((JSON.parse(readFileSync(file(), 'utf8')) as { levels: object[] }).levels.length, 1);
    for (const [args, says] of [
      [['loud'], 'the level is "loud"; it must be one of debug, info, warn, error'],
      [['vpn=loud'], 'the level is "loud"'],
      [['vpn=debug', '--plugin', 'vpn'], 'both name a plugin'],
      [['debug', 'info'], 'a level is given twice'],
      [['debug', '--for', 'ever'], '--for is "ever"'],
      [['--for', '10m'], '--for needs a level'],
      [['--plugin', 'vpn'], '--plugin needs a level'],
      [['debug', '--reset'], '--reset takes no level'],
      [['=debug'], "'' is no name of a plugin"],
    ] as const) {
      assert.ok((await bench.ends(2, ['log-level', ...args])).includes(says), args.join(' '));
    }
    assert.match(await bench.ends(0, ['log-level', '--reset']), /the levels of the settings/);
  });
});
