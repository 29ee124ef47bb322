// Installs and removes the service: writes one file and tells the service manager about it.
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { shellQuoted, writeRemedy } from '../../state/private-file.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { onOneLine } from '../../printable.ts';
import { openToOthers } from '../start/token.ts';
import type { Output } from '../terminal/output.ts';
import {
  ENVIRONMENT_FILE,
  LAUNCHD_LABEL,
  launchdPlist,
  launchdState,
  SERVICE_NAME,
  SYSTEM_STATE,
  systemUnit,
  userUnit,
  type ServiceTerms,
} from './unit.ts';
import { takeAlongText } from './take-along.ts';

export type Manager = 'systemd' | 'systemd-user' | 'launchd';

/** The path of the service file. */
export function servicePath(manager: Manager): string {
  switch (manager) {
    case 'systemd':
      return `/etc/systemd/system/${SERVICE_NAME}.service`;
    case 'systemd-user':
      return join(userConfig(), 'systemd', 'user', `${SERVICE_NAME}.service`);
    case 'launchd':
      return join(homedir(), 'Library', 'LaunchAgents', `${LAUNCHD_LABEL}.plist`);
  }
}

/** A place for the token that no process list shows; systemd reads it before the node starts. */
export function environmentFile(manager: 'systemd' | 'systemd-user'): string {
  return manager === 'systemd' ? ENVIRONMENT_FILE : join(userConfig(), `${SERVICE_NAME}.env`);
}

function userConfig(): string {
  return process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config');
}

/** Throws a ConfigError for a path or a user that would be more than one line of the file. */
export function serviceText(manager: Manager, terms: ServiceTerms): string {
  const odd = [...terms.command, terms.workingDirectory, terms.user ?? ''].find(
    (text) => onOneLine(text) !== text,
  );
  if (odd !== undefined) {
    throw new ConfigError(`a service file cannot hold '${onOneLine(odd)}': it has unprintable characters`, {
      remedy: 'Rename the folder or the file, then run the command again.',
    });
  }
  if (manager === 'launchd') return launchdPlist(terms);
  return manager === 'systemd' ? systemUnit(terms) : userUnit(terms);
}

/** `stateDir`: where a node that is started by hand in this folder has its state. */
export async function installService(
  manager: Manager,
  terms: ServiceTerms,
  stateDir: string,
  out: Output,
): Promise<number> {
  const path = servicePath(manager);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, serviceText(manager, terms), { mode: 0o644 });
  } catch (cause) {
    throw new ConfigError(`${path} cannot be written: ${messageOf(cause)}`, {
      cause,
      remedy: writeRemedy(cause, dirname(path)),
    });
  }
  out.write(`wrote ${path}`);
  const state = stateOf(manager, terms.home);
  if (manager === 'launchd') {
    out.write(`for the first start: ${withState('coda start --token -', state)}, then Ctrl-C`);
    for (const line of takeAlongText(stateDir, state)) out.write(line);
    out.write(`start it with: launchctl load -w ${path}`);
    out.write(`see how it is: ${withState('coda status', state)}`);
    return 0;
  }
  const systemctl = systemctlOf(manager);
  await tell(systemctl, ['daemon-reload'], out);
  await tell(systemctl, ['enable', SERVICE_NAME], out);
  const environment = environmentFile(manager);
  out.write(
    `for the first start, write CODA_NODE_TOKEN=<token> into ${environment} with an editor (chmod 600)`,
  );
  for (const line of takeAlongText(stateDir, state)) out.write(line);
  const stats = statSync(environment, { throwIfNoEntry: false });
  const warning = stats && openToOthers(environment, stats);
  if (warning !== undefined) out.error(warning);
  if (manager === 'systemd-user')
    out.write('to keep it running while you are logged out: loginctl enable-linger');
  out.write(`start it with: ${[...systemctl, 'start', SERVICE_NAME].join(' ')}`);
  const journal = `journalctl ${manager === 'systemd' ? '' : '--user '}-u ${SERVICE_NAME} -f`;
  out.write(
    `see how it is: ${state === undefined ? '' : `${withState('coda status', state)}, and `}${journal}`,
  );
  return 0;
}

export async function uninstallService(manager: Manager, out: Output): Promise<number> {
  const path = servicePath(manager);
  if (!existsSync(path)) {
    out.error(`no service is installed: there is no ${path}`);
    return 1;
  }
  if (manager === 'launchd') await tell(['launchctl'], ['unload', '-w', path], out);
  else await tell(systemctlOf(manager), ['disable', '--now', SERVICE_NAME], out);
  await rm(path, { force: true });
  if (manager !== 'launchd') await tell(systemctlOf(manager), ['daemon-reload'], out);
  const reset = withState('coda reset', stateOf(manager, homedir()));
  out.write(`removed ${path}; its state directory stays (${reset} removes what is in it)`);
  return 0;
}

/** The state directory of the service; undefined if only its service manager knows. */
function stateOf(manager: Manager, home: string): string | undefined {
  if (manager === 'launchd') return launchdState(home);
  return manager === 'systemd' ? SYSTEM_STATE : undefined;
}

function withState(command: string, stateDir: string | undefined): string {
  return stateDir === undefined ? command : `CODA_STATE_DIR=${shellQuoted(stateDir)} ${command}`;
}

function systemctlOf(manager: Manager): string[] {
  return manager === 'systemd-user' ? ['systemctl', '--user'] : ['systemctl'];
}

/** In a container the manager may be missing: then this says what the operator has to do. */
async function tell(command: readonly string[], args: readonly string[], out: Output): Promise<void> {
  const [program = '', ...first] = command;
  try {
    await promisify(execFile)(program, [...first, ...args]);
  } catch (thrown) {
    const reason = messageOf(thrown).trim().split('\n').at(-1) ?? '';
    out.error(`warning: ${reason}\n  → run it yourself: ${[...command, ...args].join(' ')}`);
  }
}
