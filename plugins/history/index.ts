// Keeps a record of each job, and of how the device spent its time, in the state directory: for `coda jobs`, `coda stats`, and
// plugins that ask the service `history`. Nothing waits for it.
import type { Plugin } from '../../src/index.ts';
import { HISTORY, HistoryRecorder } from '../../src/kit.ts';

/** Provides the history, unless `historyMaxMb` is 0. */
export function history(): Plugin {
  return {
    name: 'history',
    apply(node) {
      const { stateDir, historyMaxMb, historyMaxDays, historyMaxGates, historyMaxCounts } = node.settings;
      if (historyMaxMb === 0) return;
      const recorder = new HistoryRecorder({
        stateDir,
        maxMb: historyMaxMb,
        maxDays: historyMaxDays,
        limits: { gates: historyMaxGates, counts: historyMaxCounts },
        executor: () => node.executorSource,
        log: node.log.child('history'),
      });
      node.services.provide(HISTORY, recorder);
      const { hooks } = node;
      const looks = { name: 'history', onlyLooks: true } as const;
      hooks.start.tap('history', () => recorder.start(() => node.jobs.device()));
      hooks.onEnd.tap(looks, (ended) => recorder.ended(ended));
      hooks.afterGap.tap(looks, (gap) => recorder.gap(gap));
      hooks.onDeadLetter.tap('history', ({ messageId, reason }) => recorder.deadLetter(messageId, reason));
      hooks.afterDeliver.tap(looks, (saved, attempt, delivery) =>
        recorder.attempted(saved, attempt, delivery),
      );
      hooks.onCancel.tap('history', ({ jobId, stage }) => {
        if (stage === 'delivering') recorder.cancelled(jobId);
      });
      // Registered first, so that it hears of all that the end of the node brings.
      node.onClose('the history', () => recorder.close());
    },
  };
}
