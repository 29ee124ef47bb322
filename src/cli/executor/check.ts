// `coda executor check`: makes the executor as a node does, makes the checks, and shows each as it ends.
import { composeNode } from '../../compose.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { messageOf } from '../../errors.ts';
import { CheckSession } from '../../conformance/session.ts';
import type { CheckOptions } from '../../conformance/terms.ts';
import type { ExecutorChoice } from '../../device/executor.ts';
import { createLogger } from '../../log.ts';
import { maskUrlPasswords } from '../../log/redaction.ts';
import { openSubject } from '../../testing/open-subject.ts';
import { findNode } from '../local-node/find.ts';
import { callerOfExit, runConfig } from '../run-config.ts';
import { UsageError } from '../terminal/failure.ts';
import { logOutput, printElsewhere, terminal, type Output } from '../terminal/output.ts';
import { headLine, lastLine, masked, resultLines } from './report.ts';
import { version } from '../../version.ts';

export interface NamedCheck {
  readonly checks: CheckOptions;
  readonly json: boolean;
  readonly configPath: string | undefined;
  readonly out: Output;
  /** Aborted: no further check is made. */
  readonly signal: AbortSignal;
}

const DEFAULT_ATTRIBUTE = 'createExecutor';

/** Returns the exit code: 0 if no check has failed, 1 if one has, or if it was stopped. */
export async function checkNamed(reference: string | undefined, named: NamedCheck): Promise<number> {
  const { checks, json, out, signal } = named;
  if (json) printElsewhere();
  const secrets: string[] = [];
  const config = await configOf(named, secrets);
  const executor = reference === undefined ? config.executor : choiceOf(reference);
  const log = createLogger({ level: 'warn', ...logOutput() });
  for (const secret of secrets) log.mask(secret);
  for (const warning of config.warnings) log.warn(warning);
  const { node: other } = await findNode(config.settings.stateDir);
  if (other !== undefined) {
    log.warn(
      `a node (PID ${other.pid}) runs here and may use the same device; coda pause stops it from taking jobs`,
    );
  }
  const strays = watchStrays();
  const session = newSession(checks, strays, () =>
    openSubject((keepsOpen) =>
      composeNode({ config: { ...config, executor }, env: process.env, log, plugins: [keepsOpen] }),
    ),
  );
  signal.addEventListener('abort', () => void session.stop());
  const mask = (text: string): string => log.masked(maskUrlPasswords(text));
  let current = '';
  const onExit = watchExit(() => current);
  try {
    const width = Math.max(...session.checks.map(({ id }) => id.length));
    for (const { id } of session.checks) {
      if (signal.aborted) break;
      current = id;
      const result = masked(await session.result(id), mask);
      if (json) continue;
      for (const line of resultLines(result, width, out)) out.write(line);
      if (id === 'load' && result.status !== 'failed') out.write(headLine(await session.report()));
      // Nothing else can be checked.
      if (id === 'load' && result.status === 'failed') break;
    }
    const report = await session.report();
    const ok = report.ok && !signal.aborted;
    if (json) out.json({ version, ...report, ok, checks: report.checks.map((one) => masked(one, mask)) }, 2);
    else {
      out.write('');
      out.write(lastLine(report, signal.aborted));
    }
    return ok ? 0 : 1;
  } finally {
    await session.end();
    process.off('exit', onExit);
  }
}

function configOf({ configPath, checks }: NamedCheck, secrets: string[]): Promise<LoadedConfig> {
  const { target, qubits } = checks;
  const load = (readState: boolean): Promise<LoadedConfig> =>
    runConfig({
      env: process.env,
      flags: { nativeGateSet: target, numQubits: qubits },
      cwd: process.cwd(),
      configPath,
      readState,
      log: { mask: (secret) => secrets.push(secret) },
    });
  // The last bundle names the device, unless the options do. Broken credentials do not matter here.
  return target === undefined && qubits === undefined ? load(true).catch(() => load(false)) : load(false);
}

/** A path without an attribute means what its author would have named `createExecutor`. */
function choiceOf(reference: string): ExecutorChoice {
  const isPath = /^(?:\.{0,2}\/|[a-z]:[\\/])|\.[cm]?[jt]s$/i.test(reference) && !/:[\w$.]+$/.test(reference);
  const path = /^(?:\.{0,2}\/|[a-z]:[\\/])/i.test(reference) ? reference : `./${reference}`;
  const value = isPath ? `${path}:${DEFAULT_ATTRIBUTE}` : reference;
  return { value, baseDir: process.cwd(), source: 'the command line' };
}

function newSession(
  checks: CheckOptions,
  strays: readonly string[],
  open: ConstructorParameters<typeof CheckSession>[0],
): CheckSession {
  try {
    return new CheckSession(open, checks, strays);
  } catch (thrown) {
    if (thrown instanceof TypeError) throw new UsageError(thrown.message);
    throw thrown;
  }
}

/** The errors that nobody catches, from now on: they end no check. */
function watchStrays(): readonly string[] {
  const strays: string[] = [];
  const onStray = (thrown: unknown): void => {
    const place = thrown instanceof Error ? /^ +(at .*)$/m.exec(thrown.stack ?? '')?.[1] : undefined;
    strays.push(place === undefined ? messageOf(thrown) : `${messageOf(thrown)}, ${place}`);
  };
  process.on('uncaughtException', onStray);
  process.on('unhandledRejection', onStray);
  return strays;
}

/** An executor that ends the process must not end the check without a word. */
function watchExit(current: () => string): () => void {
  const onExit = (): void => {
    const caller = callerOfExit();
    if (caller === undefined) return;
    terminal(process.stderr).error(
      `coda: process.exit was called during the check ${current()}, ${caller}\n` +
        '  → Throw an error there instead: a node would end in the middle of its job.',
    );
    process.exitCode = 1;
  };
  process.on('exit', onExit);
  return onExit;
}
