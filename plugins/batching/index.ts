// Hands several waiting jobs to the executor's `batchRun` at once (PROTOCOL §5).
// If a batch fails, its jobs run one by one.
import {
  ExecutorDiedError,
  messageOf,
  type CodaNode,
  type ExecutionResult,
  type Plugin,
} from '../../src/index.ts';
import type { Batch } from '../../src/kit.ts';

/** Batches of up to `batchSize` jobs, if the executor has `batchRun`. */
export function batching(): Plugin {
  return {
    name: 'batching',
    apply(node) {
      // Tapped only if the executor has batchRun: every tap of `batchSize` costs time before each run.
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

/** One result for each job, in the order of the jobs; undefined if they must run one by one. */
async function runBatch(node: CodaNode, { jobs, context }: Batch): Promise<ExecutionResult[] | undefined> {
  const { executor } = node;
  if (executor.batchRun === undefined) return undefined;

  let results: unknown;
  try {
    results = await executor.batchRun(jobs, context);
  } catch (thrown) {
    // The batch was cancelled: running its jobs again would undo that. Or it has no outcome: the node counts its starts.
    if (context.signal.aborted || thrown instanceof ExecutorDiedError) throw thrown;
    return oneByOne(`failed: ${messageOf(thrown)}`);
  }
  if (!Array.isArray(results)) return oneByOne('returned no list of results');
  if (results.length !== jobs.length) return oneByOne(`returned ${results.length} results`);
  // The node checks each result, as after a single run.
  return results as ExecutionResult[];

  function oneByOne(what: string): undefined {
    node.log.warn(`batchRun of ${node.executorSource} ${what}; its ${jobs.length} jobs run one by one`, {
      first_job: context.jobId,
    });
    return undefined;
  }
}
