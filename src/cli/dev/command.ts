// `coda dev`: Redis, a cloud and a node, all on this machine, with sample circuits to see them work.
import type { CAC } from 'cac';
import { createLogger } from '../../log.ts';
import { LogLevels } from '../../log/levels.ts';
import { healthAddress } from '../../kernel/health-address.ts';
import type { Node } from '../../node.ts';
import { definePlugin } from '../../plugin.ts';
import type { Executor } from '../../device/executor.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { readDoorToken } from '../../state/door-token.ts';
import { TARGETS } from '../../protocol/ir.ts';
import { presence } from '../local-node/presence.ts';
import { LevelWatch } from '../start/level-watch.ts';
import { StrayErrors } from '../stray-errors.ts';
import { abortOnSignals } from '../terminal/exit.ts';
import { managerEnds } from './manager.ts';
import type { DevNode, DevTerms } from './run.ts';
import { CONFIG_OPTION, targetOption, wholeNumberOption, type ConfigOption } from '../terminal/options.ts';
import { UsageError } from '../terminal/failure.ts';
import { logOutput, terminal } from '../terminal/output.ts';

interface DevOptions extends ConfigOption {
  readonly once?: boolean;
  readonly cloudOnly?: boolean;
  readonly verbose?: boolean;
  readonly redisUrl?: string;
  readonly port?: string;
  readonly shots?: string;
  readonly target?: string;
  readonly qubits?: string;
}

export function addDev(cli: CAC): void {
  cli
    .command('dev', 'Run a local cloud, a Redis and a node on this machine, with sample circuits')
    .option('--once', 'Exit when the sample jobs are done: with 0 if all results are right')
    .option(
      '--cloud-only',
      'Start no node, and show how to start one of yours: to try coda start, pause, stop, …',
    )
    .option('--redis-url <url>', 'Use this Redis instead of starting one')
    .option('--port <port>', 'Port of the local cloud (default: a free one)')
    .option('--shots <n>', 'Number of shots of each sample circuit (default: 1000)')
    .option('--target <gates>', `Native gates of the samples: ${TARGETS.join(', ')}`)
    .option('--qubits <n>', 'Number of qubits that the local cloud says you have (default: 12)')
    .option(...CONFIG_OPTION)
    .option('--verbose', 'Show the log of the node')
    .example('  coda dev                        then, in another terminal, coda submit')
    .example('  coda dev --once --shots 4000    a check that everything works')
    .action(dev);
}

async function dev(options: DevOptions): Promise<number> {
  const { redisUrl } = options;
  const target = targetOption(options.target) ?? 'cz';
  const port = wholeNumberOption('--port', options.port, 0, 65_535);
  const shots = wholeNumberOption('--shots', options.shots, 1, 1_000_000_000);
  const qubits = wholeNumberOption('--qubits', options.qubits, 1, 1000);
  if (options.once === true && options.cloudOnly === true) {
    throw new UsageError(
      '--once and --cloud-only exclude each other: without a node, no sample is ever done',
    );
  }
  const signal = AbortSignal.any([abortOnSignals(), managerEnds(process.env)]);
  const { runDev } = await import('./run.ts');
  return runDev({
    once: options.once === true,
    cloudOnly: options.cloudOnly === true,
    ...(redisUrl === undefined ? {} : { redisUrl }),
    ...(port === undefined ? {} : { port }),
    ...(shots === undefined ? {} : { shots }),
    ...(qubits === undefined ? {} : { qubits }),
    target,
    out: terminal(process.stdout),
    startNode: (terms) => startDevNode(terms, options, signal),
    signal,
  });
}

/** Uses the simulator if no executor is configured; the node itself would use the no-op executor, or refuse. */
const simulatorByDefault = definePlugin({
  name: 'dev',
  apply(node) {
    node.hooks.resolveExecutor.tap({ name: 'dev', stage: 500 }, () => {
      const create = node.executors.get('simulator');
      if (create === undefined || node.settings.requireExecutor) return undefined;
      return {
        create: async (settings, context) => (await create(settings, context)) as Executor,
        source: 'simulator',
      };
    });
  },
});

async function startDevNode(terms: DevTerms, options: DevOptions, signal: AbortSignal): Promise<DevNode> {
  const { composeNode } = await import('../../compose.ts');
  const { runConfig } = await import('../run-config.ts');
  const secrets: string[] = [];
  const { env } = process;
  const config = await runConfig({
    flags: {
      nodeToken: terms.token,
      webappUrl: terms.url,
      stateDir: terms.stateDir,
      host: '127.0.0.1',
      port: 0,
    },
    env,
    cwd: process.cwd(),
    configPath: options.config,
    log: { mask: (secret) => secrets.push(secret) },
  });
  const levels = new LogLevels(options.verbose === true ? 'debug' : 'warn');
  const log = createLogger({ level: levels, ...logOutput() });
  for (const secret of secrets) log.mask(secret);
  for (const warning of config.warnings) log.warn(warning);
  const levelWatch = new LevelWatch(levels, terms.stateDir, log);
  const plugins = [simulatorByDefault, presence(false), levelWatch.plugin];
  const node = composeNode({ config, env, log, plugins });
  new StrayErrors(config).watch(node);
  const stopEarly = (): void => void node.stop();
  signal.addEventListener('abort', stopEarly, { once: true });
  await node.start();
  signal.removeEventListener('abort', stopEarly);
  const source = node.executorSource;
  return {
    close: () => node.stop(),
    description: `executor ${source}`,
    isExact: source === 'simulator',
    ...pageOf(node, config.plugins, terms.stateDir),
    ended: node.failed,
  };
}

/** The link to the page, with the token that lets it act. */
function pageOf(node: Node, { disabled }: LoadedConfig['plugins'], stateDir: string): Pick<DevNode, 'page'> {
  const address = node.services.find(healthAddress);
  if (address === undefined || disabled.has('page')) return {};
  const token = readDoorToken(stateDir);
  const fragment = token === undefined ? '' : `#token=${token}`;
  return { page: `http://127.0.0.1:${address().port}/${fragment}` };
}
