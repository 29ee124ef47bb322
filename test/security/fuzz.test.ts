// 100,000 inputs that nobody should send, at the real readers: each is taken or refused with an error of ours, nothing
// crashes, and nothing outside the state directory is touched. A failure prints its seed: FUZZ_SEED=<seed> repeats it.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { parseProfile } from '../../plugins/vpn/profile.ts';
import { renderProfile } from '../../plugins/vpn/render.ts';
import { readState, writeState } from '../../src/config/persisted.ts';
import { CodaError } from '../../src/errors.ts';
import { openRedis } from '../../src/net/redis.ts';
import { HEADER, lineOf } from '../../src/outbox/journal-file.ts';
import { readRefused } from '../../src/outbox/refused.ts';
import { parseBundle } from '../../src/protocol/bundle.ts';
import { parseIr } from '../../src/protocol/ir.ts';
import { parseMessage, parseShots } from '../../src/protocol/job.ts';
import { readLastEnd } from '../../src/state/last-end.ts';
import {
  daemonPidPath,
  lastRunPath,
  nodeFolder,
  pausePath,
  refusedDirectory,
  startsPath,
  stateConfigPath,
  stateKeyPath,
} from '../../src/state/layout.ts';
import { readPause } from '../../src/state/pause-file.ts';
import { readPidFile } from '../../src/state/process.ts';
import { readStarts } from '../../src/state/starts.ts';
import { ATTACKS, GOOD } from '../plugins/vpn/samples.ts';
import { anyText, mutated, validCircuits } from '../protocol/arbitraries.ts';
import { readRecords } from '../support/journal.ts';

const CASES = { profiles: 25_000, bundles: 25_000, messages: 25_000, redisUrls: 15_000, stateFiles: 10_000 };
const SEED = Number(process.env['FUZZ_SEED']);

/** How one kind is run: with a seed that a failure prints. */
function run(numRuns: number): { readonly numRuns: number; readonly seed?: number } {
  return Number.isNaN(SEED) ? { numRuns } : { numRuns, seed: SEED };
}

/** What `read` returns; undefined if it refuses its input with an error of ours. */
function attempted<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    return refused(thrown);
  }
}

function refused(thrown: unknown): undefined {
  if (!(thrown instanceof CodaError && thrown.message.length < 100_000)) throw thrown;
}

const NASTY = [
  '\u0000',
  '\u001b[2J',
  '\u202e',
  '\u2028',
  '\ufeff',
  '\ud800',
  '\r',
  '\n',
  ' ',
  '%',
  '%zz',
  '..',
  '../outside/canary',
  '/etc/passwd',
  '__proto__',
  'x'.repeat(300),
  '-1',
  '1e999',
  'NaN',
  '[',
  '{',
  '"',
  '\\',
  '#',
  ';',
  "'",
];
const DEEP = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
const nasty = fc.oneof(fc.constantFrom(...NASTY), anyText(30));

/** `text` with pieces put in, taken out or doubled. */
function damaged(text: string): fc.Arbitrary<string> {
  const edit = fc.tuple(fc.nat(text.length), fc.nat(12), nasty, fc.constantFrom('put', 'cut', 'double'));
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) =>
    edits.reduce((all, [at, length, piece, how]) => {
      const behind = how === 'put' ? at : at + length;
      return (
        all.slice(0, at) +
        (how === 'cut' ? '' : how === 'put' ? piece : all.slice(at, behind).repeat(2)) +
        all.slice(behind)
      );
    }, text),
  );
}

describe('100,000 hostile inputs', () => {
  assert.equal(
    Object.values(CASES).reduce((sum, count) => sum + count, 0),
    100_000,
  );

  it('as VPN profiles are refused, or written anew in a form that is read alike', () => {
    const known = [...GOOD.split('\n'), ...ATTACKS.map(([line]) => line)];
    const line = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...known) },
      { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...known), nasty).map((both) => both.join(' ')) },
      { weight: 1, arbitrary: nasty },
    );
    const profile = fc.oneof(
      damaged(GOOD),
      fc
        .tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n', '\r'))
        .map(([lines, end]) => [GOOD, ...lines].join(end)),
      fc.tuple(nasty, line).map(([first, second]) => `${first}\n${second}`),
    );
    let taken = 0;
    fc.assert(
      fc.property(profile, (text) => {
        const read = attempted(() => parseProfile(text));
        if (read === undefined) return;
        taken += 1;
        const written = renderProfile(read, 'coda0').text;
        assert.equal(renderProfile(parseProfile(written), 'coda0').text, written);
      }),
      run(CASES.profiles),
    );
    assert.ok(taken > 0, 'some are good');
  });

  const BUNDLE = {
    qpu_id: 'q1',
    qpu_display_name: 'Q',
    native_gate_set: 'cz',
    num_qubits: 5,
    jwt_key_id: 'k',
    jwt_private_key: '',
    redis_url: 'rediss://user:password@redis.example.org:6380/0',
    webapp_url: 'https://coda.example.org',
    connect_path: '/c',
    heartbeat_path: '/h',
    webhook_path: '/w',
    vpn: {
      required: false,
      interface_hint: 'tun0',
      check_interval_sec: 10,
      probe_targets: ['https://a.example.org'],
      client_profile_ovpn: GOOD,
    },
  };
  const current = { hasPrivateKey: true, hasKeyId: true };

  it('as bundles are taken or refused', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(mutated(fc.constant(BUNDLE)), fc.jsonValue({ maxDepth: 2 })), (value) => {
        if (attempted(() => parseBundle(value, current)) !== undefined) taken += 1;
      }),
      { ...run(CASES.bundles), examples: [[JSON.parse(DEEP)], [{ ...BUNDLE, vpn: JSON.parse(DEEP) }]] },
    );
    assert.ok(taken > 0, 'some are good');
  });

  it('as messages are taken or refused, with their circuits and shots', () => {
    const circuit = fc.oneof(validCircuits, mutated(validCircuits)).map((ir) => JSON.stringify(ir) ?? '');
    const bytes = fc.uint8Array({ maxLength: 30 }).map((array) => Buffer.from(array));
    const fields = fc.record({
      job_id: fc.oneof(fc.constant('job-1'), nasty, bytes),
      callback_url: fc.oneof(
        fc.constant('https://coda.example.org/hook'),
        damaged('https://coda.example.org/hook'),
        bytes,
      ),
      ir_json: fc.oneof({ weight: 4, arbitrary: circuit }, { weight: 1, arbitrary: nasty }),
      shots: fc.oneof(fc.integer().map(String), nasty),
    });
    let taken = 0;
    fc.assert(
      fc.property(
        fc.tuple(fields, fc.array(nasty, { maxLength: 3 })),
        ([{ job_id: jobId, callback_url: url, ir_json: ir, shots }, more]) => {
          const flat = ['job_id', jobId, 'callback_url', url, 'ir_json', ir, 'shots', shots, ...more];
          attempted(() => parseMessage('1-1', flat));
          attempted(() => parseShots(shots));
          if (attempted(() => parseIr(ir)) !== undefined) taken += 1;
        },
      ),
      run(CASES.messages),
    );
    for (const text of [DEEP, `{"gates":${DEEP}}`, `{"metadata":${DEEP}}`]) attempted(() => parseIr(text));
    assert.ok(taken > 0, 'some are good');
  });

  it('as Redis URLs are refused, or make a client', () => {
    const parts = fc
      .tuple(
        fc.constantFrom('redis://', 'rediss://', 'redis:', 'REDIS://', 'unix://', 'http://', '', '//'),
        fc.constantFrom('', 'u:p@', ':p@', 'u%40:p%2F@', '%:@', '%zz@'),
        fc.oneof(
          fc.constantFrom('h', '127.0.0.1', '[::1]', '', '/x.sock', 'h:1', 'h:99999', 'h:0', 'h:-1'),
          nasty,
        ),
        fc.oneof(fc.constantFrom('', '/', '/0', '/15', '/abc', '/-1', '/1/2', '/1e9'), nasty),
        fc.oneof(
          fc.constantFrom(
            '',
            '?',
            '?path=/x.sock',
            '?tls=',
            '?db=x',
            '?lazyConnect=0',
            '?__proto__=1',
            '?host=h2',
            '#x',
          ),
          nasty,
        ),
      )
      .map((all) => all.join(''));
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(parts, damaged('rediss://user:password@redis.example.org:6380/0')), (url) => {
        const bundle = attempted(() => parseBundle({ ...BUNDLE, redis_url: url }, current));
        if (bundle === undefined) return;
        // What makes a client of a URL may refuse it, too.
        const options = { lazyConnect: true };
        const redis = attempted(() => openRedis({ url: bundle.redisUrl, name: 'fuzz', env: {}, options }));
        redis?.on('error', () => {});
        redis?.disconnect();
        if (redis !== undefined) taken += 1;
      }),
      run(CASES.redisUrls),
    );
    assert.ok(taken > 0, 'some are good');
  });

  describe('as state files', () => {
    let home: string;
    let stateDir: string;
    const KEY = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
    const STATE = {
      qpu_id: 'q1',
      qpu_display_name: 'Q',
      native_gate_set: 'cz',
      num_qubits: 5,
      jwt_key_id: 'k',
      jwt_private_key_path: 'coda-private-key',
      redis_url: 'rediss://user:password@redis.example.org:6380/0',
      webapp_url: 'https://coda.example.org',
      connect_path: '/c',
      vpn_required: true,
      vpn_check_interval_sec: 10,
      vpn_probe_targets: ['https://a.example.org'],
      node_vpn_profile_path: 'coda-node.ovpn',
    };
    const RESULT = {
      qpuId: 'q',
      jobId: 'j',
      messageIds: ['1-1'],
      callbackUrl: 'https://a.example.org',
      outcome: { status: 'completed', counts: { '0': 1 }, executionTimeMs: 1, shotsCompleted: 1 },
      endedAt: '2026-01-01T00:00:00Z',
      reason: '410',
      refusedAt: '2026-01-01T00:00:00Z',
    };

    before(() => {
      home = mkdtempSync(join(tmpdir(), 'coda-fuzz-'));
      stateDir = join(home, 'state');
      mkdirSync(join(home, 'outside'));
      writeFileSync(join(home, 'outside', 'canary'), 'alive', { mode: 0o600 });
      mkdirSync(refusedDirectory(nodeFolder(stateDir)), { recursive: true });
    });
    after(() => rmSync(home, { recursive: true, force: true }));

    /** Everything outside the state directory: names, sizes, times and content. */
    function outside(): unknown {
      return [home, join(home, 'outside')].flatMap((folder) =>
        readdirSync(folder).map((name) => {
          const path = join(folder, name);
          const stats = statSync(path);
          if (path === stateDir) return path;
          return [path, stats.size, stats.mtimeMs, stats.mode, stats.isFile() && readFileSync(path, 'utf8')];
        }),
      );
    }

    it('are read or refused, and nothing outside the state directory is touched', async () => {
      const untouched = outside();
      const here = readdirSync('.').toSorted();
      const json = (value: object): fc.Arbitrary<string> =>
        fc.oneof(
          mutated(fc.constant(value)).map((one) => JSON.stringify(one)),
          damaged(JSON.stringify(value)),
          nasty,
        );
      const files: readonly (readonly [path: string, content: fc.Arbitrary<string>])[] = [
        [stateConfigPath(stateDir), json(STATE)],
        [stateKeyPath(stateDir), fc.oneof(fc.constant(KEY), damaged(KEY))],
        [startsPath(nodeFolder(stateDir)), json({ count: 1, recent: ['2026-01-01T00:00:00Z'] })],
        [pausePath(nodeFolder(stateDir)), json({ reason: 'r', since: '2026-01-01T00:00:00Z' })],
        [
          lastRunPath(nodeFolder(stateDir)),
          json({ place: { host: 'h' }, at: '2026-01-01T00:00:00Z', pid: 1, startTime: '1', end: null }),
        ],
        [daemonPidPath(stateDir), fc.oneof(fc.nat().map(String), nasty)],
        [join(refusedDirectory(nodeFolder(stateDir)), 'x.json'), json(RESULT)],
      ];
      const journal = fc.oneof(damaged(HEADER + lineOf(RESULT) + lineOf({ k: 1 })), nasty);
      let taken = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(...files.map(([path, content]) => fc.tuple(fc.constant(path), content))),
          journal,
          async ([path, content], bytes) => {
            writeFileSync(path, content, { mode: 0o600 });
            const state = attempted(() => readState(stateDir));
            if (state !== undefined) taken += 1;
            // Each is a write to the disk, so not all.
            if (state !== undefined && taken <= 200) await writeState(stateDir, state);
            readStarts(nodeFolder(stateDir));
            readLastEnd(stateDir);
            readPidFile(daemonPidPath(stateDir));
            await readPause(stateDir);
            attempted(() => readRefused(join(refusedDirectory(nodeFolder(stateDir)), 'x.json')));
            await readRecords(Buffer.from(bytes), 'journal').catch(refused);
          },
        ),
        run(CASES.stateFiles),
      );
      for (const [path] of files) {
        writeFileSync(path, `{"x":${DEEP}}`, { mode: 0o600 });
        attempted(() => readState(stateDir));
        readStarts(nodeFolder(stateDir));
        readLastEnd(stateDir);
        await readPause(stateDir);
        attempted(() => readRefused(join(refusedDirectory(nodeFolder(stateDir)), 'x.json')));
      }
      assert.ok(taken > 0, 'some are good');
      assert.deepEqual(outside(), untouched);
      assert.deepEqual(readdirSync('.').toSorted(), here);
    });
  });
});
