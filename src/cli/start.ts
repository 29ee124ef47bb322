// `coda start`: runs the node until a signal ends it.
import type { CAC } from 'cac';
import { createLogger, type Logger } from '../log.ts';
import type { Node } from '../node.ts';
import { failureText } from './failure.ts';
import { terminal, textOption, type ConfigOption } from './options.ts';

export function addStart(cli: CAC): void {
  cli
    .command('start', 'Run the node: connect to the cloud, take jobs, deliver results')
    .option('-t, --token <token>', 'One-time node token, for the first start only')
    .option('-H, --host <host>', 'Address of the health server')
    .option('-p, --port <port>', 'Port of the health server')
    .option('-c, --config <file>', 'Config file, instead of the one in this folder')
    .example('  coda start --token <token>   the first start; the credentials are kept')
    .example('  coda start                   every start after it')
    .action(start);
}

async function start(options: ConfigOption): Promise<number> {
  const { composeNode, loadNodeConfig } = await import('../compose.ts');
  const secrets: string[] = [];
  const flags = {
    nodeToken: textOption('--token', '-t'),
    host: textOption('--host', '-H'),
    port: textOption('--port', '-p'),
  };
  const config = await loadNodeConfig({
    flags: Object.fromEntries(Object.entries(flags).filter(([, text]) => text !== undefined)),
    env: process.env,
    cwd: process.cwd(),
    configPath: options.config,
    log: { mask: (secret) => secrets.push(secret) },
  });
  const log = createLogger({
    level: config.settings.logLevel,
    format: config.settings.logFormat === 'json' ? 'json' : 'text',
    colour: terminal(process.stderr).colour,
  });
  for (const secret of secrets) log.mask(secret);
  for (const warning of config.warnings) log.warn(warning);
  try {
    return await runUntilSignal(composeNode({ config, env: process.env, log }), log);
  } catch (thrown) {
    // What failed may quote a secret, such as a plugin that shows its whole request.
    process.stderr.write(`${log.masked(failureText(thrown))}\n`);
    return 1;
  }
}

/** First signal: drain. Second: end the running job too. Third: leave at once. */
async function runUntilSignal(node: Node, log: Logger): Promise<number> {
  let signals = 0;
  const stopped = new Promise<number>((resolve, reject) => {
    const onSignal = (signal: NodeJS.Signals): void => {
      signals += 1;
      if (signals === 1) {
        log.info(`${signal}: finishing the running job; once more cancels it`);
        node.stop().then(() => resolve(0), reject);
      } else if (signals === 2) {
        log.warn(`${signal}: cancelling the running job; once more exits at once`);
        node.cancelRunning();
      } else {
        process.exit(1);
      }
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
    void node.failed.then(async (reason) => {
      await node.stop();
      reject(reason instanceof Error ? reason : new Error(String(reason)));
    });
  });
  try {
    await node.start();
  } catch (thrown) {
    // Stopped on purpose while it started.
    if (signals > 0) return stopped;
    throw thrown;
  }
  return stopped;
}
