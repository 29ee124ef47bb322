// Hands several waiting jobs to the executor's `batchRun` at once (PROTOCOL §5).
// Whatever goes wrong with a batch, its jobs still run one by one.
import { messageOf, type CodaNode, type ExecutionResult, type Plugin } from '../../src/index.ts';
import type { Batch } from '../../src/kit.ts';

/** Batches of up to `batchSize` jobs, if the executor has `batchRun`. */
export function batching(): Plugin {
  return {
    name: 'batching',
    apply(node) {
      // Only now is it known whether there is anything to do: the device waits for every tap of `batchSize`.
      node.hooks.start.tap('batching', () => {
        if (node.executor.batchRun === undefined) return;
        node.hooks.batchSize.tap('batching', (waiting) =>
          waiting < 2 ? undefined : Math.min(waiting, node.settings.batchSize),
        );
        node.hooks.runBatch.tapPromise('batching', (batch) => runBatch(node, batch));
      });
    },
  };
}

/** One result a job in the order of the jobs; undefined where they must run one by one. */
async function runBatch(node: CodaNode, { jobs, context }: Batch): Promise<ExecutionResult[] | undefined> {
  const { executor } = node;
  if (executor.batchRun === undefined) return undefined;

  let results: unknown;
  try {
    results = await executor.batchRun(jobs, context);
  } catch (thrown) {
    // The batch was stopped on purpose: running its jobs again would undo the cancel.
    if (context.signal.aborted) throw thrown;
    return oneByOne(`failed: ${messageOf(thrown)}`);
  }
  if (!Array.isArray(results)) return oneByOne('returned no list of results');
  if (results.length !== jobs.length) return oneByOne(`returned ${results.length} results`);
  // What is in the list is checked job by job, as the result of a single run is.
  return results as ExecutionResult[];

  function oneByOne(what: string): undefined {
    node.log
      .child('batching')
      .warn(`batchRun of ${node.executorSource} ${what}; its ${jobs.length} jobs run one by one`, {
        first_job: context.jobId,
      });
    return undefined;
  }
}
