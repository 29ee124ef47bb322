// The executor: does it load, and which device does it report to the cloud's compiler?
import { composeNode, loadNodeConfig } from '../../compose.ts';
import { messageOf } from '../../errors.ts';
import { connectivityOf } from '../../device/executor.ts';
import { silentLogger } from '../../log.ts';
import { failure, ok, answerWithin, warning, type Check } from './finding.ts';

const TIMEOUT_MS = 30_000;
const check = 'executor';

export const checkExecutor: Check = async ({ node, live, env, configPath }) => {
  // Only one program at a time can use the hardware.
  if (node !== undefined) {
    const source = live?.['executor'];
    return [
      ok(
        check,
        `${typeof source === 'string' ? `${source} is` : 'it is'} in use by the running node; not loaded a second time`,
      ),
    ];
  }
  // Here with third-party plugins, since one of them may bring the executor.
  const config = await loadNodeConfig({ env, cwd: process.cwd(), configPath, readState: false });
  const trial = composeNode({ config, env, log: silentLogger });
  try {
    const { source, executor } = await answerWithin(trial.loadExecutor(), TIMEOUT_MS, 'loading it');
    if (source === 'noop') {
      return [
        warning(
          check,
          'there is none: every job would be answered with zeros',
          'Set executor in coda.config.ts, or CODA_EXECUTOR_FACTORY.',
        ),
      ];
    }
    const edges = connectivityOf(executor);
    const device =
      edges === null ? 'it reports no device, so the cloud does not know its edges' : `${edges.length} edges`;
    return [ok(check, `${source} loads; ${device}`)];
  } catch (thrown) {
    return [failure(check, messageOf(thrown), 'Try it with coda run.')];
  } finally {
    await trial.close();
  }
};
