// `coda dev`: a whole Coda on this machine - Redis, cloud and node - with sample circuits to see it work.
import type { CAC } from 'cac';
import { ConfigError } from '../../errors.ts';
import { createLogger } from '../../log.ts';
import { definePlugin } from '../../plugin.ts';
import type { Executor } from '../../device/executor.ts';
import { TARGETS, type Target } from '../../protocol/ir.ts';
import type { DevNode, DevTerms } from './run.ts';
import {
  CONFIG_OPTION,
  terminal,
  textOption,
  wholeNumberOption,
  type ConfigOption,
} from '../terminal/options.ts';

interface DevOptions extends ConfigOption {
  readonly once?: boolean;
  readonly verbose?: boolean;
}

export function addDev(cli: CAC): void {
  cli
    .command('dev', 'Run a local cloud, a Redis and a node, with sample circuits')
    .option('--once', 'Exit when the samples are done; 0 only if all is right')
    .option('--redis-url <url>', 'Use this Redis instead of starting one')
    .option('--port <port>', 'Port of the local cloud')
    .option('--shots <n>', 'Shots of each sample circuit')
    .option('--target <gates>', `Compile the samples for ${TARGETS.join(', ')}`)
    .option(...CONFIG_OPTION)
    .option('--verbose', 'Show the log of the node')
    .example('  coda dev')
    .example('  coda dev --once --shots 4000')
    .action(dev);
}

async function dev(options: DevOptions): Promise<number> {
  const target = targetOption();
  const redisUrl = textOption('--redis-url');
  const port = wholeNumberOption('--port', 0, 65_535);
  const shots = wholeNumberOption('--shots', 1, 1_000_000_000);
  const signal = abortOnSignals();
  const { runDev } = await import('./run.ts');
  return runDev({
    once: options.once === true,
    ...(redisUrl === undefined ? {} : { redisUrl }),
    ...(port === undefined ? {} : { port }),
    ...(shots === undefined ? {} : { shots }),
    target,
    out: terminal(process.stdout),
    startNode: (terms) => startDevNode(terms, options, signal),
    signal,
  });
}

/** Takes the simulator where nothing else was found, before the no-op executor would be taken. */
const simulatorByDefault = definePlugin({
  name: 'dev',
  apply(node) {
    node.hooks.resolveExecutor.tapPromise({ name: 'dev', stage: 500 }, async () => {
      const create = node.executors.get('simulator');
      if (create === undefined) return undefined;
      return { executor: (await create(node.settings)) as Executor, source: 'simulator' };
    });
  },
});

async function startDevNode(terms: DevTerms, options: DevOptions, signal: AbortSignal): Promise<DevNode> {
  const { composeNode, loadNodeConfig } = await import('../../compose.ts');
  const secrets: string[] = [];
  const { env } = process;
  const config = await loadNodeConfig({
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
  const level = options.verbose === true ? 'debug' : 'error';
  const log = createLogger({ level, colour: terminal(process.stderr).colour });
  for (const secret of secrets) log.mask(secret);
  const node = composeNode({ config, env, log, plugins: [simulatorByDefault] });
  const stopEarly = (): void => void node.stop();
  signal.addEventListener('abort', stopEarly, { once: true });
  await node.start();
  signal.removeEventListener('abort', stopEarly);
  const { source } = node.executor;
  return {
    close: () => node.stop(),
    description: `executor ${source}`,
    isExact: source === 'simulator',
    ended: node.failed,
  };
}

function targetOption(): Target {
  const text = textOption('--target') ?? 'cz';
  const target = TARGETS.find((known) => known === text);
  if (target !== undefined) return target;
  throw new ConfigError(`--target is "${text}"`, { remedy: `Allowed: ${TARGETS.join(', ')}.` });
}

/** The first signal ends the session in good order, the second at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}
