// The daemon's own process: started by `coda start --daemon`, told what to do over a pipe, and on its own after that.
import type { Logger } from '../../log.ts';
import type { Node } from '../../node.ts';
import { failureText } from '../terminal/failure.ts';
import type { DaemonOrder, DaemonReport } from './daemon-messages.ts';
import { logWriter } from './log-file.ts';
import { runNode } from './run-node.ts';

const REPORT_EVERY_MS = 100;
const MIB = 1024 * 1024;

process.title = 'coda-node';
process.once('message', (order: DaemonOrder) => void run(order));

async function run({ flags, configPath, log, secretEnv }: DaemonOrder): Promise<void> {
  // Whoever gives up waiting for a start does not want it any more.
  const starterIsGone = (): void => void process.kill(process.pid, 'SIGTERM');
  process.once('disconnect', starterIsGone);
  let nodeLog: Logger | undefined;
  try {
    process.exitCode = await runNode({
      flags,
      configPath,
      env: { ...process.env, ...secretEnv },
      isDaemon: true,
      logTo: ({ settings }) => ({ write: logWriter(log, process.stderr.fd, settings.logMaxMb * MIB) }),
      onLog: (made) => (nodeLog = made),
      onUp: (node) => {
        process.off('disconnect', starterIsGone);
        keepReporting(node);
      },
    });
  } catch (thrown) {
    const text = nodeLog?.masked(failureText(thrown)) ?? failureText(thrown);
    process.exitCode = 1;
    process.stderr.write(`${text}\n`);
    await report({ kind: 'failed', text });
  }
  process.off('disconnect', starterIsGone);
  if (process.connected) process.disconnect();
  // A run that was given up may keep the process alive for ever; everything of the node itself is closed by now.
  setTimeout(() => process.exit(), 500).unref();
}

/** Until the command has heard enough and hangs up. */
function keepReporting(node: Node): void {
  void report({ kind: 'up' });
  const timer = setInterval(() => {
    const { ready, reasons, ...rest } = node.readiness().toJSON() as { ready: boolean; reasons: string[] };
    void report({ kind: 'state', ready, reasons, paused: 'paused' in rest });
  }, REPORT_EVERY_MS);
  process.once('disconnect', () => clearInterval(timer));
}

function report(message: DaemonReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, {}, () => resolve());
  });
}
