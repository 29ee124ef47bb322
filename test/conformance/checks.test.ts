// The checks of executors: a right one passes all of them, and each wrong one is found by the check that should find it,
// and by no other.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CHECKS } from '../../src/conformance/checks/index.ts';
import { checkExecutor, type CheckExecutorOptions, type CheckReport } from '../../src/testing/index.ts';
import {
  LEGAL_GATES,
  type Gate,
  type GateName,
  type NativeGateIR,
  type RunContext,
  type Target,
} from '../../src/index.ts';
import { BROKEN, ODD } from './broken.ts';
import { gates, LONG_SHOTS, Rig, zeros } from './rig.ts';

const OPTIONS: CheckExecutorOptions = { physics: true, longRun: LONG_SHOTS };
/** Of the whole process, so it is checked where nothing else runs. */
const SIDE_BY_SIDE: CheckExecutorOptions = { ...OPTIONS, skip: ['growth'] };

const withStatus = ({ checks }: CheckReport, status: string): string[] =>
  checks.filter((check) => check.status === status).map(({ id }) => id);
const failed = (report: CheckReport): string[] => withStatus(report, 'failed');
const textsOf = ({ checks }: CheckReport): string =>
  checks.flatMap(({ findings }) => findings.map(({ what, how }) => `${what} ${how}`)).join('\n');
const noteOf = ({ checks }: CheckReport, id: string): string =>
  checks.find((check) => check.id === id)?.note ?? '';

describe('an executor that is right', () => {
  it('passes every check, and the simulator does so for every target', async () => {
    const rig = await checkExecutor(() => new Rig(), OPTIONS);
    const all = ['load', ...CHECKS.map(({ id }) => id)];
    // The runner of these tests sees them.
    assert.deepEqual(
      withStatus(rig, 'passed'),
      all.filter((id) => id !== 'uncaught'),
      textsOf(rig),
    );
    assert.equal(rig.ok, true);
    assert.match(noteOf(rig, 'cancel'), /the device was free \d+ ms after the cancel/);
    const targets: readonly Target[] = ['cz', 'iswap', 'pcz', 'cnot'];
    for (const target of targets) {
      const report = await checkExecutor('simulator', {
        ...{ target, physics: true, noise: 0, qubits: 4 },
        // It is the same for each.
        ...(target === 'cz' ? {} : { skip: ['event-loop', 'cancel', 'after-cancel', 'growth'] }),
      });
      assert.deepEqual(failed(report), [], textsOf(report));
      assert.deepEqual(withStatus(report, 'warned'), [], textsOf(report));
      assert.deepEqual([report.target, report.qubits, report.executor], [target, 4, 'simulator']);
      // It has neither batchRun nor cancelCurrentJob.
      assert.deepEqual(withStatus(report, 'left out'), [
        ...['batch', 'batch-order', 'signal', 'idle-cancel', 'uncaught'],
      ]);
    }
  });

  it('may be a noisy one, and one that only plays a device', async () => {
    const noisy = (): object => {
      const rig = new Rig();
      return Object.assign(rig, {
        async run(...args: Parameters<Rig['run']>) {
          const result = await Rig.prototype.run.apply(rig, args);
          return { ...result, counts: withNoise(result.counts, 0.05) };
        },
      });
    };
    const zeroing = { run: (ir: NativeGateIR, shots: number) => Promise.resolve(zeros(ir, shots)) };
    const [device, exact, player] = await Promise.all([
      checkExecutor(noisy, SIDE_BY_SIDE),
      checkExecutor(noisy, { ...SIDE_BY_SIDE, noise: 0 }),
      checkExecutor(zeroing, { ...SIDE_BY_SIDE, physics: false, longRun: undefined }),
    ]);
    assert.deepEqual(failed(device), [], textsOf(device));
    assert.deepEqual(failed(exact), ['flip']);
    assert.deepEqual(failed(player), [], textsOf(player));
    for (const id of ['flip', 'bit-order', 'gate-physics', 'bell']) {
      assert.match(noteOf(player, id), /not said to follow physics \(--physics\)/);
    }
    assert.match(noteOf(player, 'cancel'), /its longest run took \d+ ms, .*too short to be cancelled/);
    assert.match(noteOf(player, 'errors'), /runs a circuit of 50 qubits too/);
  });
});

describe('an executor that is wrong', () => {
  const reports = new Map<unknown, Promise<CheckReport>>();
  const reportOf = (factory: unknown): Promise<CheckReport> => {
    if (reports.size === 0) {
      for (const [, , one] of [...BROKEN, ...ODD]) reports.set(one, checkExecutor(one, SIDE_BY_SIDE));
    }
    return reports.get(factory) ?? checkExecutor(factory, SIDE_BY_SIDE);
  };

  for (const [id, what, factory, says] of BROKEN) {
    it(`with ${what} is found by ${id} alone`, async () => {
      const report = await reportOf(factory);
      assert.deepEqual(failed(report), [id], textsOf(report));
      assert.match(textsOf(report), says);
      assert.equal(report.ok, false);
    });
  }

  for (const [id, what, factory, says] of ODD) {
    it(`with ${what} is warned of by ${id} alone`, async () => {
      const report = await reportOf(factory);
      assert.deepEqual(failed(report), [], textsOf(report));
      assert.deepEqual(withStatus(report, 'warned'), [id], textsOf(report));
      assert.match(textsOf(report), says);
    });
  }

  it('is told what, why and how, in sentences', async () => {
    for (const [, what, factory] of [...BROKEN, ...ODD]) {
      const { checks } = await reportOf(factory);
      for (const finding of checks.flatMap(({ findings }) => findings)) {
        assert.ok(finding.what.length > 10, what);
        assert.match(finding.why, /^[A-Z].*\.$/s, what);
        assert.match(finding.how, /\.$/, what);
      }
    }
  });

  it('in one gate, which it leaves out or turns the other way, is found for every gate of every target', async () => {
    const only = ['flip', 'gates', 'gate-physics', 'bell'];
    for (const [target, names] of Object.entries(LEGAL_GATES) as [Target, readonly GateName[]][]) {
      for (const name of names) {
        // To leave `id` out changes nothing.
        const wrong: ((gate: Gate) => readonly Gate[])[] = name === 'id' ? [] : [() => []];
        if (name !== 'id') wrong.push((gate) => inverseOf(gate));
        if (name === 'cnot') wrong.push((gate) => [{ ...gate, qubits: gate.qubits.toReversed() }]);
        for (const change of wrong) {
          const factory = gates((gate) => (gate.gate === name ? change(gate) : gate));
          const report = await checkExecutor(factory, { target, physics: true, only });
          const isSelfInverse = name === 'cz' || name === 'cnot';
          if (change === wrong[1] && isSelfInverse) assert.deepEqual(failed(report), [], textsOf(report));
          else assert.equal(failed(report).length, 1, `${target} ${name} ${String(wrong.indexOf(change))}`);
        }
      }
    }
  });

  it('and blocks the event loop is found by event-loop alone', async () => {
    const blocking = (): object => {
      const rig = new Rig();
      return Object.assign(rig, {
        run(...args: Parameters<Rig['run']>) {
          const [ir, shots] = args;
          if (shots < LONG_SHOTS) return Rig.prototype.run.apply(rig, args);
          const end = performance.now() + 600;
          while (performance.now() < end);
          return zeros(ir, shots);
        },
      });
    };
    const report = await checkExecutor(blocking, SIDE_BY_SIDE);
    assert.deepEqual(failed(report), ['event-loop']);
    assert.match(textsOf(report), /a run of 50000 shots held up the event loop for \d{3} of \d{3} ms/);
    assert.match(noteOf(report, 'cancel'), /the check `event-loop` has failed/);
  });

  it('and keeps what it has run, or leaves something open, is found by growth alone', async () => {
    const kept: unknown[] = [];
    const listeners: (() => void)[] = [];
    const keeping = { run: (ir: NativeGateIR, shots: number) => (kept.push(ir), zeros(ir, shots)) };
    const listening = {
      run(ir: NativeGateIR, shots: number) {
        const listener = (): void => {};
        listeners.push(listener);
        process.setMaxListeners(0).on('warning', listener);
        return zeros(ir, shots);
      },
    };
    const options = { skip: ['event-loop', 'cancel', 'after-cancel'] };
    for (const [executor, says] of [
      [keeping, /each run leaves about \d+ bytes behind/],
      [listening, /each run leaves something open/],
    ] as const) {
      const report = await checkExecutor(executor, options);
      assert.deepEqual(failed(report), ['growth']);
      assert.match(textsOf(report), says);
    }
    for (const listener of listeners) process.off('warning', listener);
  });

  it('and leaves a timer behind is warned of by close', async () => {
    let timer: NodeJS.Timeout | undefined;
    const leaving = (): object => {
      timer = setInterval(() => {}, 60_000);
      return new Rig();
    };
    try {
      const report = await checkExecutor(leaving, { ...SIDE_BY_SIDE, only: ['result', 'close'], skip: [] });
      assert.deepEqual(withStatus(report, 'warned'), ['close']);
      assert.match(textsOf(report), /after close there is still open: 1 timer/);
    } finally {
      clearInterval(timer);
    }
  });

  it('and never ends a run is named, and not asked again', async () => {
    let runs = 0;
    const hanging = { run: () => ((runs += 1), new Promise(() => {})) };
    const env = { CODA_CANCEL_GRACE_SEC: '1' };
    const report = await checkExecutor(hanging, { env, timeoutSec: 0.1 });
    assert.deepEqual(failed(report), ['result']);
    assert.match(
      textsOf(report),
      /a run of 20 shots had not ended after 0\.1 s, nor 1 s after it was cancelled/,
    );
    assert.equal(runs, 1);
  });
});

describe('the checks', () => {
  it('ask for no more shots than their budget has, and name what they leave out', async () => {
    let shots = 0;
    const counting = (): object => {
      const rig = new Rig();
      return Object.assign(rig, {
        run(ir: NativeGateIR, asked: number, context: RunContext) {
          shots += asked;
          return Rig.prototype.run.call(rig, ir, asked, context);
        },
        batchRun: undefined,
      });
    };
    const report = await checkExecutor(counting, { physics: true, shotsBudget: 1400 });
    assert.deepEqual(failed(report), [], textsOf(report));
    assert.ok(shots > 500 && shots <= 1400, `${shots} shots`);
    assert.deepEqual([report.shots, report.shotsBudget], [shots, 1400]);
    assert.match(noteOf(report, 'flip'), /it needs 960 shots, and the budget has \d+ left/);
    assert.ok(withStatus(report, 'passed').includes('close'));
  });

  it('can be chosen; a name that does not exist is refused', async () => {
    const only = await checkExecutor(() => new Rig(), { only: ['deep', 'wide'] });
    assert.deepEqual(
      only.checks.map(({ id }) => id),
      ['load', 'deep', 'wide'],
    );
    await assert.rejects(
      checkExecutor(() => new Rig(), { skip: ['cancle'] }),
      /did you mean 'cancel'\?/,
    );
    await assert.rejects(
      checkExecutor(() => new Rig(), { only: ['xyz'] }),
      /there are result, bitstrings,/,
    );
  });

  it('take keys the other way round if they are said to be so', async () => {
    const [, , reversed] = BROKEN.find(([, what]) => what === 'keys in reverse') ?? [];
    const report = await checkExecutor(reversed, {
      physics: true,
      firstBit: 'right',
      only: ['flip', 'bit-order'],
    });
    assert.deepEqual(withStatus(report, 'passed'), ['load', 'flip', 'bit-order'], textsOf(report));
  });

  it('hand over what a node does, and close the executor once', async () => {
    const seen: unknown[] = [];
    let closes = 0;
    const executor = {
      async run(ir: NativeGateIR, shots: number, context: RunContext) {
        seen.push([typeof context.jobId, context.signal instanceof AbortSignal, typeof context.log.info]);
        await nextTurn();
        return zeros(ir, shots);
      },
      close: () => void (closes += 1),
    };
    const report = await checkExecutor(executor, { only: ['result', 'close'] });
    assert.deepEqual(failed(report), []);
    assert.deepEqual(seen[0], ['string', true, 'function']);
    assert.equal(closes, 1);
    await checkExecutor(executor, { only: ['result'] });
    assert.equal(closes, 2, 'also if close is not checked');
  });
});

/** Gates that undo this one. */
function inverseOf(gate: Gate): readonly Gate[] {
  if (gate.params.length > 0) return [{ ...gate, params: gate.params.map((angle) => -angle) }];
  return gate.gate === 'cz' || gate.gate === 'cnot' ? [gate] : [gate, gate, gate];
}

/** Flips each bit with this probability, evenly and not by chance. */
function withNoise(counts: Readonly<Record<string, number>>, share: number): Record<string, number> {
  let noisy = { ...counts };
  const bits = Object.keys(counts)[0]?.length ?? 0;
  for (let bit = 0; bit < bits; bit++) {
    const next: Record<string, number> = {};
    for (const [key, count] of Object.entries(noisy)) {
      const moved = Math.floor(count * share);
      const flipped = key.slice(0, bit) + (key[bit] === '0' ? '1' : '0') + key.slice(bit + 1);
      if (count > moved) next[key] = (next[key] ?? 0) + count - moved;
      if (moved > 0) next[flipped] = (next[flipped] ?? 0) + moved;
    }
    noisy = next;
  }
  return noisy;
}
