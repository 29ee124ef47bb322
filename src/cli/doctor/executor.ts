// The executor: does it load, and which device does it report to the cloud's compiler?
import { composeNode } from '../../compose.ts';
import { runConfig } from '../run-config.ts';
import { messageOf } from '../../errors.ts';
import { connectivityOf } from '../../device/executor.ts';
import { createLogger } from '../../log.ts';
import { failure, ok, answerWithin, warning, type Check, type Finding } from './finding.ts';

const TIMEOUT_MS = 30_000;
const check = 'executor';
const HOW_TO_NAME = 'Set executor in coda.config.ts, or CODA_EXECUTOR_FACTORY.';

export const checkExecutor: Check = async ({ config: known, node, live, env, configPath }) => {
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
  // With the last bundle's device, as a start would, unless the credentials are broken: another check names that.
  const readState = known.state !== undefined;
  const config = await runConfig({ env, cwd: process.cwd(), configPath, readState });
  const warned: Finding[] = [];
  const write = (line: string): void => {
    const { level, scope, message, job } = JSON.parse(line) as Record<string, string>;
    if (message === undefined || job !== undefined) return;
    if (level !== 'info') warned.push(warning(check, message, HOW_TO_NAME));
    // Which Python it is.
    else if (scope === 'python') warned.push(ok(check, message));
  };
  // What the log of a start would warn of.
  const trial = composeNode({ config, env, log: createLogger({ level: 'info', format: 'json', write }) });
  try {
    const { source, executor } = await answerWithin(trial.loadExecutor(), TIMEOUT_MS, 'loading it');
    if (source === 'noop') {
      const others = warned.filter(({ message }) => !message.startsWith('NO EXECUTOR'));
      return [
        warning(check, 'there is none: every job would be answered with zeros', HOW_TO_NAME),
        ...others,
      ];
    }
    const edges = connectivityOf(executor);
    const device =
      edges === null ? 'it reports no device, so the cloud does not know its edges' : `${edges.length} edges`;
    return [ok(check, `${source} loads; ${device}`), ...warned];
  } catch (thrown) {
    return [failure(check, messageOf(thrown), 'Try it with coda run.'), ...warned];
  } finally {
    await trial.close();
  }
};
