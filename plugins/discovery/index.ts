// Finds the executor of this node: the one that is named, else an installed one, else, with a loud warning, a no-op
// (PROTOCOL §11).
import { ExecutorError, type CodaNode, type Executor, type Logger, type Plugin } from '../../src/index.ts';
import { EXECUTOR_SEARCH, type ExecutorChoice } from '../../src/kit.ts';
import { findChosen, type Found } from './choice.ts';
import { deviceChoice } from './device.ts';
import { createNoop } from './noop.ts';
import { findPackageExecutor, severalText, type Several } from './scan.ts';
import { searchExecutors } from './search.ts';

const LAST = 1000;
const HOW_TO_NAME =
  'Set executor in coda.config.ts, or CODA_EXECUTOR_FACTORY to `module:attribute` or `simulator`. coda executor list shows what was found.';

/** Finds the executor; also registers the executor `noop`. */
export function discovery(): Plugin {
  return {
    name: 'discovery',
    apply(node) {
      node.executors.set('noop', () => createNoop());
      node.services.provide(EXECUTOR_SEARCH, {
        search: async () => searchExecutors(node, await choiceOf(node), process.cwd()),
      });
      const log = node.log;
      let several: readonly string[] = [];
      node.hooks.resolveExecutor.tapPromise('discovery', async () => {
        const found = await find(node, log);
        if (found === undefined) return undefined;
        if (!('several' in found)) return named(log, found);
        several = found.several;
        return undefined;
      });
      // Last, since another plugin may provide an executor.
      node.hooks.resolveExecutor.tap({ name: 'discovery', stage: LAST }, () => {
        if (node.settings.requireExecutor) {
          const message = several.length === 0 ? 'there is no executor' : severalText(several);
          throw new ExecutorError(`${message}, and requireExecutor (CODA_REQUIRE_EXECUTOR) asks for one`, {
            remedy: HOW_TO_NAME,
          });
        }
        log.warn(
          `NO EXECUTOR: every job will be answered with zeros, as if the device had measured them. ${HOW_TO_NAME}`,
        );
        return { executor: createNoop(), source: 'noop' };
      });
    },
  };
}

async function find(node: CodaNode, log: Logger): Promise<Found | Several | undefined> {
  const choice = await choiceOf(node);
  if (choice !== undefined) return findChosen(node, choice);
  return findPackageExecutor(node, process.cwd(), log);
}

/** The executor that the configuration names, or the device YAML. */
async function choiceOf({
  executorChoice,
  modules,
  settings,
}: CodaNode): Promise<ExecutorChoice | undefined> {
  return executorChoice ?? (await deviceChoice(modules, settings.deviceConfig, process.cwd()));
}

/** Has the log say which executor it is, once there is one. */
function named(log: Logger, found: Found): Found {
  const { source } = found;
  const opened = (executor: Executor): Executor => {
    log.info(`executor: ${source}`);
    return executor;
  };
  if ('executor' in found) return { executor: opened(found.executor), source };
  return { ...found, create: async (settings, context) => opened(await found.create(settings, context)) };
}
