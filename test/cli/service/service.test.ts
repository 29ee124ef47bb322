// `coda service` as a process, the files it writes, and what a node reports to systemd.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { takeAlongText } from '../../../src/cli/service/take-along.ts';
import { unreachable } from '../../../src/cli/service/reach.ts';
import { serviceText } from '../../../src/cli/service/manage.ts';
import { launchdPlist, systemUnit, userUnit, type ServiceTerms } from '../../../src/cli/service/unit.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import { readOr } from '../operator.ts';
import { coda } from '../process.ts';
import { bench, cloud } from '../workbench.ts';

const hasAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('coda service', () => {
  /** A program that writes down how it was called; returns the PATH that finds it, and what it wrote. */
  function standIn(name: string): { env: Record<string, string>; calls: () => string } {
    const bin = join(bench.folder, 'bin');
    mkdirSync(bin, { recursive: true });
    const calls = join(bench.folder, `${name}.calls`);
    writeFileSync(join(bin, name), `#!/bin/sh\necho "$@" socket=$NOTIFY_SOCKET >> ${calls}\n`, {
      mode: 0o755,
    });
    return { env: { PATH: `${bin}:${process.env['PATH']}` }, calls: () => readOr(calls, '') };
  }

  it('prints a unit that systemd accepts', { skip: !hasAnalyze && 'no systemd-analyze here' }, async () => {
    for (const args of [['--run-as', 'root'], []]) {
      const printed = await bench.ends(0, ['service', 'print', ...args]);
      const unit = printed.replace(/^warning: .*\n/gm, '');
      const file = join(bench.folder, 'coda-node.service');
      writeFileSync(file, unit);
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      assert.equal(stderr.includes('coda-node.service'), false, stderr);
    }
  });

  it('warns of a folder that the service has for itself', async () => {
    assert.match(await bench.ends(0, ['service', 'print']), /^warning: .* is in a temporary folder/m);
  });

  it('warns of a folder that a restart empties, for the service of a user', async () => {
    const said = await bench.ends(0, ['service', 'print', '--user']);
    assert.match(said, /^warning: .* a restart of the machine may empty/m);
  });

  const skip = process.geteuid?.() !== 0 && 'needs root, to make a folder beside the temporary one';
  it('warns of a folder that its user cannot enter', { skip }, async () => {
    const folder = mkdtempSync('/var/coda-service-');
    const inside = join(folder, 'site');
    mkdirSync(inside, { mode: 0o755 });
    const warnings = async (runAs: readonly string[]): Promise<string> => {
      const run = coda(['service', 'print', ...runAs], { cwd: inside });
      assert.equal(await run.ended, 0, run.output());
      const lines = run.output().split('\n');
      return lines.filter((line) => line.startsWith('warning:') && line.includes(inside)).join('\n');
    };
    try {
      assert.match(
        await warnings(['--run-as=nobody']),
        new RegExp(`the user nobody cannot enter ${folder}, .*--run-as`),
      );
      assert.match(
        await warnings([]),
        new RegExp(`that systemd makes for the service cannot enter ${folder},`),
      );
      assert.equal(await warnings(['--run-as=root']), '');
      chmodSync(folder, 0o711);
      assert.equal(await warnings(['--run-as=nobody']), '');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("warns of a folder that a user's own service cannot enter", { skip }, () => {
    const folder = mkdtempSync('/var/coda-service-');
    const terms = {
      command: [],
      workingDirectory: join(folder, 'site'),
      user: null,
      stopTimeoutSec: 1,
      home: '/',
    };
    mkdirSync(terms.workingDirectory);
    try {
      for (const manager of ['systemd-user', 'launchd'] as const) {
        assert.deepEqual(unreachable(manager, terms), []);
        process.seteuid?.(65534);
        const [warning = ''] = unreachable(manager, terms);
        process.seteuid?.(0);
        assert.match(
          warning,
          new RegExp(`^the user .* cannot enter ${folder}, and so not reach .*: move it$`),
        );
      }
    } finally {
      process.seteuid?.(0);
      rmSync(folder, { recursive: true });
    }
  });

  it('warns of the folders that macOS keeps from services', () => {
    const terms = { command: [], user: null, stopTimeoutSec: 1, home: '/Users/ada' };
    const warned = (name: string): number =>
      unreachable('launchd', { ...terms, workingDirectory: `/Users/ada/${name}` }).length;
    assert.deepEqual(['Documents/site', 'Desktop', 'site', 'Downloads2'].map(warned), [1, 1, 0, 0]);
  });

  it('installs and uninstalls the service of a user', async () => {
    const { env, calls } = standIn('systemctl');
    const file = join(bench.folder, '.config', 'systemd', 'user', 'coda-node.service');
    assert.match(await bench.ends(0, ['service', 'install', '--user'], env), /wrote .*coda-node\.service/);
    assert.match(readFileSync(file, 'utf8'), /ExecStart=.* start\n/);
    assert.match(await bench.ends(0, ['service', 'uninstall', '--user'], env), /removed/);
    assert.equal(existsSync(file), false);
    assert.match(await bench.ends(1, ['service', 'uninstall', '--user'], env), /no service is installed/);
    assert.deepEqual(calls().trim().replaceAll(' socket=', '').split('\n'), [
      '--user daemon-reload',
      '--user enable coda-node',
      '--user disable --now coda-node',
      '--user daemon-reload',
    ]);
  });

  it('says how to take the credentials of an earlier start along, in commands that do it', async () => {
    const { env } = standIn('systemctl');
    const install = (): Promise<string> => bench.ends(0, ['service', 'install', '--user'], env);
    assert.doesNotMatch(await install(), /credentials/);
    const [from, to] = [bench.stateDir, join(bench.folder, 'state of the service')];
    assert.deepEqual(takeAlongText(from, to), []);
    mkdirSync(join(from, 'coda-node-spool'), { recursive: true, mode: 0o700 });
    const files = ['coda.config', 'coda-private-key'];
    for (const name of files) writeFileSync(join(from, name), '{}', { mode: 0o600 });
    assert.match(await install(), /^the credentials in .* are not those of the service/m);
    const commands = takeAlongText(from, to).filter((line) => line.startsWith('  '));
    assert.equal(spawnSync('sh', ['-ec', commands.join('\n')]).status, 0);
    assert.deepEqual(new Set(readdirSync(to)), new Set(['coda-node-spool', ...files]));
    assert.deepEqual(readdirSync(from), []);
    writeFileSync(join(from, 'coda.config'), '{}');
    assert.deepEqual(takeAlongText(from, to), []);
  });

  it('knows its actions', async () => {
    assert.match(await bench.ends(2, ['service', 'instal']), /did you mean "install"\?/);
  });

  it('gets a message from the node when it is up, while it is healthy, and when it stops', async () => {
    const { env, calls } = standIn('systemd-notify');
    const node = bench.spawn(['start', '--token', cloud.issueToken()], {
      ...env,
      NOTIFY_SOCKET: '/run/none',
      WATCHDOG_USEC: '300000',
    });
    await waitUntil('three signs of life', () => calls().split('WATCHDOG=1').length > 3);
    assert.match(calls(), /^READY=1 STATUS=serving QPU \S+ socket=\/run\/none$/m);
    node.child.kill('SIGTERM');
    assert.equal(await node.ended, 0);
    assert.match(calls(), /^STOPPING=1 /m);
  });
});

describe('the service files', () => {
  const terms: ServiceTerms = {
    command: ['/opt/my node/bin/node', '/opt/100%/main.js', 'start', '--config', '/a&b/$x.ts'],
    workingDirectory: '/lab/50%',
    user: 'ada',
    stopTimeoutSec: 60,
    home: '/Users/ada',
  };

  it('quote what systemd would take for its own', () => {
    const unit = systemUnit(terms);
    assert.match(
      unit,
      /^ExecStart="\/opt\/my node\/bin\/node" \/opt\/100%%\/main\.js start --config "\/a&b\/\$\$x\.ts"$/m,
    );
    assert.match(unit, /^WorkingDirectory=\/lab\/50%%$/m);
    assert.match(unit, /^User=ada$/m);
    assert.match(systemUnit({ ...terms, user: null }), /^DynamicUser=yes$/m);
    assert.match(unit, /^Type=notify$[^]*^NotifyAccess=all$[^]*^WatchdogSec=\d+$/m);
    assert.match(unit, /^CapabilityBoundingSet=CAP_NET_ADMIN$/m);
    // It kills V8.
    assert.doesNotMatch(unit, /^MemoryDenyWriteExecute/m);
    assert.doesNotMatch(userUnit(terms), /^(User|AmbientCapabilities)=/m);
  });

  it('hold no path that would add a line to them', () => {
    const odd = { ...terms, workingDirectory: '/lab/a\nExecStartPre=/bin/evil' };
    for (const manager of ['systemd', 'systemd-user', 'launchd'] as const) {
      assert.throws(
        () => serviceText(manager, odd),
        /^ConfigError: a service file cannot hold '\/lab\/a\\nExecStartPre/,
      );
    }
  });

  it('escape what XML would take for its own', () => {
    const plist = launchdPlist(terms);
    assert.match(plist, /<string>\/a&amp;b\/\$x\.ts<\/string>/);
    assert.match(plist, /<key>ExitTimeOut<\/key><integer>60<\/integer>/);
    assert.doesNotMatch(plist, /&(?!amp;|lt;|gt;)/);
  });
});
