// The daemon's own process: `coda start --daemon` starts it and sends it its settings over a pipe. Once the node is ready
// that command ends, and this process runs alone.
import type { Logger } from '../../log.ts';
import { asMessage } from '../../printable.ts';
import type { Node } from '../../node.ts';
import { exitSoon, outliveOutput, showUncaught } from '../terminal/exit.ts';
import { guardOutput } from '../terminal/output.ts';
import { failureText } from '../terminal/failure.ts';
import type { DaemonOrder, DaemonReport } from './daemon-messages.ts';
import { LogFile } from './log-file.ts';
import { runNode } from './run-node.ts';

const REPORT_EVERY_MS = 100;
const MIB = 1024 * 1024;

process.title = 'coda-node';
outliveOutput();
let nodeLog: Logger | undefined;
const hide = (text: string): string => nodeLog?.masked(text) ?? text;
guardOutput(hide);
let logFile: LogFile | undefined;
process.on('SIGHUP', () => {
  logFile?.reopen();
  nodeLog?.info('SIGHUP: the log is opened again');
});
// Node.js itself would report it on a standard error that may be an old log by now.
showUncaught(hide);
process.once('message', (order: DaemonOrder) => void run(order));

async function run({ flags, configPath, log, secretEnv }: DaemonOrder): Promise<void> {
  // If the command ends before the node is up, e.g. by Ctrl-C, the node is not wanted any more.
  const starterIsGone = (): void => void process.kill(process.pid, 'SIGTERM');
  process.once('disconnect', starterIsGone);
  try {
    process.exitCode = await runNode({
      flags,
      configPath,
      env: { ...process.env, ...secretEnv },
      isDaemon: true,
      logTo: ({ settings }) => {
        const file = (logFile = new LogFile(log, process.stderr.fd, settings.logMaxMb * MIB, hide));
        return { write: (line) => file.write(line) };
      },
      onLog: (made) => (nodeLog = made),
      onUp: (node) => {
        process.off('disconnect', starterIsGone);
        keepReporting(node);
      },
    });
  } catch (thrown) {
    const text = hide(failureText(thrown));
    process.exitCode = 1;
    process.stderr.write(`${asMessage(text)}\n`);
    await report({ kind: 'failed', text });
  }
  process.off('disconnect', starterIsGone);
  if (process.connected) process.disconnect();
  exitSoon();
}

/** Until the command disconnects. */
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
