// Finds the executor of this node: the one that is named, else an installed one, else, with a loud warning, a no-op
// (PROTOCOL §11).
import type { CodaNode, Logger, Plugin } from '../../src/index.ts';
import type { LoadedExecutor } from '../../src/kit.ts';
import { loadExecutor } from './choice.ts';
import { deviceChoice } from './device.ts';
import { createNoop } from './noop.ts';
import { findPackageExecutor } from './scan.ts';

const LAST = 1000;

/** Resolves the executor and closes it with the node; also registers the executor `noop`. */
export function discovery(): Plugin {
  return {
    name: 'discovery',
    apply(node) {
      node.executors.set('noop', () => createNoop());
      const log = node.log.child('discovery');
      node.hooks.resolveExecutor.tapPromise('discovery', async () => {
        const loaded = await find(node, log);
        if (loaded === undefined) return undefined;
        const { executor, source } = loaded;
        if (executor.close !== undefined) node.onClose(`executor ${source}`, () => executor.close?.());
        log.info(`executor: ${source}`);
        return loaded;
      });
      // Last, since another plugin may provide an executor.
      node.hooks.resolveExecutor.tap({ name: 'discovery', stage: LAST }, () => {
        log.warn(
          'NO EXECUTOR: every job will be answered with zeros, as if the device had measured them. ' +
            'Set executor in coda.config.ts, or CODA_EXECUTOR_FACTORY to `module:attribute` or `simulator`.',
        );
        return { executor: createNoop(), source: 'noop' };
      });
    },
  };
}

async function find(node: CodaNode, log: Logger): Promise<LoadedExecutor | undefined> {
  const choice = node.executorChoice ?? (await deviceChoice(node.settings.deviceConfig, process.cwd()));
  if (choice !== undefined) return loadExecutor(node, choice);
  return findPackageExecutor(node, process.cwd(), log);
}
