// `coda start --daemon`: starts the daemon's process and waits until the node is ready or has said why it is not.
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Flags } from '../../config/environment.ts';
import { SETTING_NAMES, settingOf } from '../../config/settings.ts';
import { logPath } from '../../state/layout.ts';
import { inUse } from '../../state/lock.ts';
import { makeStateDir } from '../../state/node-folder.ts';
import { checkTrustedDirectory, type Owners } from '../../state/trust.ts';
import { maskSecrets, maskUrlPasswords } from '../../log/redaction.ts';
import type { Output } from '../terminal/output.ts';
import type { DaemonOrder, DaemonReport } from './daemon-messages.ts';
import { findNode } from '../local-node/find.ts';
import { besideOriginal } from '../local-node/original.ts';
import { openLog } from './log-file.ts';

/** How long a node that is up may take to be ready, e.g. until Redis answers. */
const READY_WITHIN_MS = 60_000;
const SAYS_IT_WAITS_AFTER_MS = 3_000;
const SHOWN_LINES = 15;

const CHILD = fileURLToPath(new URL('./daemon-child.js', import.meta.url));
const SECRET_VARIABLES = new Set(
  SETTING_NAMES.filter((name) => settingOf(name).secret).map((name) => settingOf(name).env),
);

export interface DaemonStart {
  readonly flags: Flags;
  readonly configPath: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly stateDir: string;
  /** Whose state directories are used. */
  readonly owners: Owners;
  readonly secrets: readonly string[];
  readonly out: Output;
}

/** Returns the exit code: 0 once the node is ready, 1 if it ended or is not ready in time. */
export async function startDaemon(start: DaemonStart): Promise<number> {
  const { stateDir, owners, out, secrets } = start;
  const { node } = await findNode(stateDir);
  if (node?.isOriginal === true) throw besideOriginal(node.pid, stateDir);
  if (node !== undefined) throw inUse(node, stateDir);
  await makeStateDir(stateDir);
  checkTrustedDirectory(stateDir, owners);
  const log = logPath(stateDir);
  const descriptor = openLog(log);
  const { open, secret } = splitEnvironment(start.env);
  const child = fork(CHILD, [], {
    detached: true,
    env: open,
    stdio: ['ignore', descriptor, descriptor, 'ipc'],
  });
  closeSync(descriptor);
  const order: DaemonOrder = { flags: start.flags, configPath: start.configPath, log, secretEnv: secret };
  child.send(order);
  const end = await firstOutcome(child, (line) => out.error(line), log);
  // From here on the daemon is on its own.
  if (child.connected) child.disconnect();
  child.unref();
  switch (end.kind) {
    case 'ready':
      out.write(
        `started: PID ${child.pid}, ${end.paused ? 'PAUSED (coda resume lets it take jobs again)' : 'ready'}`,
      );
      out.write(`log: ${log}`);
      return 0;
    case 'late':
      out.error(
        `coda: the daemon (PID ${child.pid}) runs, but is not ready yet: ${end.reasons.join('; ')}\n` +
          '  → it keeps trying: coda status shows its state, coda stop stops it',
      );
      return 1;
    case 'failed':
      out.error('coda: the node did not start');
      out.error(end.text);
      return 1;
    case 'ended': {
      const lines = await lastLines(log);
      out.error(`coda: the daemon ended during its start (${end.how}); the end of ${log}:`);
      for (const line of maskUrlPasswords(maskSecrets(lines, secrets)).split('\n')) out.error(line);
      return 1;
    }
  }
}

type Outcome =
  | { readonly kind: 'ready'; readonly paused: boolean }
  | { readonly kind: 'late'; readonly reasons: readonly string[] }
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'ended'; readonly how: string };

function firstOutcome(child: ChildProcess, say: (line: string) => void, log: string): Promise<Outcome> {
  return new Promise((resolve) => {
    let reasons: readonly string[] = [];
    let late: NodeJS.Timeout | undefined;
    const waiting = setTimeout(() => {
      say(`starting${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`} (log: ${log})`);
    }, SAYS_IT_WAITS_AFTER_MS);
    const settle = (outcome: Outcome): void => {
      clearTimeout(waiting);
      clearTimeout(late);
      resolve(outcome);
    };
    child.on('message', (report: DaemonReport) => {
      if (report.kind === 'failed') settle(report);
      if (report.kind === 'up') late = setTimeout(() => settle({ kind: 'late', reasons }), READY_WITHIN_MS);
      if (report.kind !== 'state') return;
      reasons = report.reasons;
      if (report.ready || report.paused) settle({ kind: 'ready', paused: report.paused });
    });
    child.on('error', (error) => settle({ kind: 'ended', how: error.message }));
    child.on('exit', (code, signal) =>
      settle({ kind: 'ended', how: signal === null ? `exit code ${code}` : signal }),
    );
  });
}

/** The daemon's environment, which others may read in /proc, without the variables that they must not read. */
function splitEnvironment(env: NodeJS.ProcessEnv): {
  open: NodeJS.ProcessEnv;
  secret: Record<string, string>;
} {
  const open: NodeJS.ProcessEnv = {};
  const secret: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && SECRET_VARIABLES.has(name.toUpperCase())) secret[name] = value;
    else open[name] = value;
  }
  return { open, secret };
}

async function lastLines(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
}
