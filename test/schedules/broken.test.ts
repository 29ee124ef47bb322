// A node that is broken on purpose, each time in one place, breaks a promise within a few schedules.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Statuses } from '../../src/outbox/delivery.ts';
import { Contents } from '../../src/outbox/contents.ts';
import { Journal } from '../../src/outbox/journal.ts';
import { Outbox } from '../../src/outbox/outbox.ts';
import { Intake } from '../../src/queue/intake.ts';
import { OutcomeCopies } from '../../src/queue/outcome-copies.ts';
import { Recovery } from '../../src/queue/recovery.ts';
import { JobStream } from '../../src/queue/stream.ts';
import { Broken } from './ledger.ts';
import { play, schedules, type Bounds } from './schedule.ts';

/** Far more than it takes; the same ones in each run of the tests. */
const RUNS = 5_000;
const SEED = 7;

/** Two nodes, of which one is late with everything for a while. */
const LATE: Bounds = { nodes: [2], moves: ['hold A', 'let go A', 'pass a lease', 'cut A'] };
const RUNS_TWICE = ['one-run-at-a-time', 'saved-runs-no-more', 'one-outcome'];

/** Replaces a method of a class for one test. */
function replace<T extends object, K extends keyof T & string>(
  undo: (() => void)[],
  { prototype }: { readonly prototype: T },
  name: K,
  make: (original: T[K]) => T[K],
): void {
  const original = prototype[name];
  prototype[name] = make(original);
  undo.push(() => (prototype[name] = original));
}

interface Fault {
  readonly name: string;
  /** The promises of which it breaks one. */
  readonly breaks: readonly string[];
  /** What its schedules are made of; everything if left out. */
  readonly bounds?: Bounds;
  readonly cause: (undo: (() => void)[]) => void;
}

const FAULTS: readonly Fault[] = [
  {
    name: 'acknowledges an entry before its outcome is saved',
    breaks: ['nothing-lost', 'every-job-ends'],
    cause: (undo) => {
      let statuses: Statuses | undefined;
      replace(
        undo,
        Outbox,
        'start',
        (start) =>
          function (this: Outbox, route) {
            statuses = route.statuses;
            start.call(this, route);
          },
      );
      replace(
        undo,
        Outbox,
        'save',
        (save) =>
          function (this: Outbox, saved, how) {
            void statuses?.acknowledge(saved.messageIds);
            return save.call(this, saved, how);
          },
      );
    },
  },
  {
    name: 'posts an outcome before it is on the disk',
    breaks: ['saved-before-said'],
    cause: (undo) => {
      replace(
        undo,
        Journal,
        'append',
        (append) =>
          function (this: Journal, record, options) {
            void append.call(this, record, options);
            return Promise.resolve();
          },
      );
    },
  },
  {
    name: 'cancels a job whose outcome is being posted',
    breaks: ['cancelled-not-posted', 'final-state-stays'],
    bounds: { moves: ['cancel 1', 'cancel 2', 'lose post A', 'lose post B'] },
    cause: (undo) => {
      let isCancelling = false;
      replace(
        undo,
        Contents,
        'get',
        (get) =>
          function (this: Contents, jobId) {
            const entry = get.call(this, jobId);
            if (isCancelling && entry?.stage === 'posting') entry.stage = 'waiting';
            return entry;
          },
      );
      replace(
        undo,
        Outbox,
        'cancel',
        (cancel) =>
          function (this: Outbox, jobId) {
            isCancelling = true;
            const isCancelled = cancel.call(this, jobId);
            isCancelling = false;
            return isCancelled;
          },
      );
    },
  },
  {
    name: 'forgets to renew its leases',
    breaks: RUNS_TWICE,
    bounds: LATE,
    cause: (undo) => {
      replace(undo, JobStream, 'renew', () => (_, messageIds) => Promise.resolve(new Set(messageIds)));
    },
  },
  {
    name: 'starts a job without a look at its lease',
    breaks: RUNS_TWICE,
    bounds: LATE,
    cause: (undo) => {
      replace(undo, Recovery, 'hasLease', () => () => true);
      // The intake looks at the age of what it is given, too.
      replace(
        undo,
        Intake,
        'take',
        (take) =>
          function (this: Intake, entries, _askedAt, earlier) {
            return take.call(this, entries, performance.now(), earlier);
          },
      );
    },
  },
  {
    name: 'runs a job whose outcome is in Redis',
    breaks: ['copied-runs-no-more'],
    bounds: { moves: ['kill A', 'start A'] },
    cause: (undo) => {
      replace(
        undo,
        OutcomeCopies,
        'states',
        () => (jobs) =>
          Promise.resolve(jobs.map(() => ({ state: null, messageId: null, error: null, cancelled: false }))),
      );
    },
  },
  {
    name: 'posts an outcome before its copy is in Redis',
    breaks: ['copied-before-said'],
    cause: (undo) => {
      replace(
        undo,
        OutcomeCopies,
        'save',
        (save) =>
          function (this: OutcomeCopies, saved) {
            void save.call(this, saved);
            return Promise.resolve();
          },
      );
    },
  },
];

describe('the random schedules see a node that', () => {
  for (const { name, breaks, bounds, cause } of FAULTS) {
    it(name, async (t) => {
      const undo: (() => void)[] = [];
      cause(undo);
      try {
        const property = fc.asyncProperty(schedules(bounds), async (schedule) => void (await play(schedule)));
        const { numRuns, errorInstance } = await fc.check(property, {
          numRuns: RUNS,
          seed: SEED,
          endOnFailure: true,
        });
        t.diagnostic(`after ${numRuns} schedules`);
        assert.ok(errorInstance instanceof Broken, `no promise is broken: ${String(errorInstance)}`);
        assert.ok(breaks.includes(errorInstance.promise), String(errorInstance));
      } finally {
        for (const restore of undo) restore();
      }
    });
  }
});
