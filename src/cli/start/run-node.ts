// Runs a node in this process until a signal stops it: what `coda start` and the daemon have in common.
import { composeNode } from '../../compose.ts';
import { runConfig } from '../run-config.ts';
import type { Flags } from '../../config/environment.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { proxyPasswords } from '../../config/secrets.ts';
import { SETTINGS } from '../../config/settings.ts';
import { LogLevels } from '../../log/levels.ts';
import { createLogger, type Logger, type LogOptions } from '../../log.ts';
import type { Node } from '../../node.ts';
import { answerHandBack } from '../local-node/hand-back-request.ts';
import { besideOriginal, findOriginal } from '../local-node/original.ts';
import { presence } from '../local-node/presence.ts';
import { StrayErrors } from '../stray-errors.ts';
import { Ending } from './ending.ts';
import { LevelWatch } from './level-watch.ts';
import { warmUp } from './warm-up.ts';

export interface NodeRun {
  readonly flags: Flags;
  readonly configPath: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly isDaemon: boolean;
  /** Where the log goes; called once the settings are known. */
  readonly logTo: (config: LoadedConfig) => Pick<LogOptions, 'write' | 'colour'>;
  /** Called with the log as soon as there is one. The caller needs it to mask the secrets in a last error. */
  readonly onLog: (log: Logger) => void;
  /** Called once the node runs. */
  readonly onUp?: (node: Node) => void;
}

/** Resolves with the exit code; throws what the node's start throws. */
export async function runNode(run: NodeRun): Promise<number> {
  const secrets: string[] = [];
  const config = await runConfig({
    flags: run.flags,
    env: run.env,
    cwd: process.cwd(),
    configPath: run.configPath,
    log: { mask: (secret) => secrets.push(secret) },
  });
  const { stateDir } = config.settings;
  const original = findOriginal(stateDir);
  if (original !== undefined) throw besideOriginal(original.pid, stateDir);
  // The token is used once; no child process needs it.
  forgetToken();
  const { logLevel, logLevels, logFormat } = config.settings;
  const levels = new LogLevels(logLevel, logLevels);
  const log = createLogger({
    level: levels,
    format: logFormat === 'json' ? 'json' : 'text',
    ...run.logTo(config),
  });
  for (const secret of [...secrets, ...proxyPasswords(run.env)]) log.mask(secret);
  run.onLog(log);
  const levelWatch = new LevelWatch(levels, stateDir, log);
  await levelWatch.look();
  for (const warning of config.warnings) log.warn(warning);
  const ending = new Ending(log);
  const strays = new StrayErrors(config);
  const plugins = [ending.plugin, presence(run.isDaemon), levelWatch.plugin, warmUp];
  const node = composeNode({ config, env: process.env, log, plugins });
  strays.watch(node);
  return runUntilSignal(node, log, { ending, isDaemon: run.isDaemon }, () => run.onUp?.(node));
}

async function stopNode(node: Node): Promise<void> {
  if (node.phase === 'running') {
    await node.drain();
    // While Redis, and the tunnel to it, are still there.
    await answerHandBack(node);
  }
  await node.stop();
}

function forgetToken(): void {
  for (const name of Object.keys(process.env)) {
    if (name.toUpperCase() === SETTINGS.nodeToken.env) delete process.env[name];
  }
}

/** First signal: drain. Second: also cancel the running job. Third: exit at once. */
async function runUntilSignal(
  node: Node,
  log: Logger,
  { ending, isDaemon }: { readonly ending: Ending; readonly isDaemon: boolean },
  onUp: () => void,
): Promise<number> {
  let signals = 0;
  let hasFailed = false;
  const stopped = new Promise<number>((resolve, reject) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      signals += 1;
      ending.asked();
      if (signals === 1) {
        log.info(`${signal}: finishing the running job; a second signal cancels it`);
        stopNode(node).then(() => resolve(0), reject);
      } else if (signals === 2) {
        log.warn(`${signal}: cancelling the running job; a third signal exits at once`);
        node.cancelRunning();
      } else {
        ending.forced();
        process.exit(1);
      }
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    // A terminal that closes may send it more than once: that says no more than the first.
    if (!isDaemon) process.on('SIGHUP', (signal) => void (signals === 0 && onSignal(signal)));
    void node.failed.then(async (reason) => {
      hasFailed = true;
      ending.failed(reason);
      await node.stop();
      reject(reason instanceof Error ? reason : new Error(String(reason)));
    });
  });
  const starting = node.start().then(onUp);
  try {
    // A signal also ends a start that hangs, e.g. in an executor that never loads.
    await Promise.race([starting, stopped]);
  } catch (thrown) {
    // It was stopped during the start.
    if (signals > 0 || hasFailed) return stopped;
    throw thrown;
  }
  // Ignore late errors of an abandoned start.
  starting.catch(() => {});
  return stopped;
}
