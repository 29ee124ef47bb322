// The machine: the Node.js version, the sources of the settings, the state directory and the port.
import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { shellQuoted, writeRemedy } from '../../state/private-file.ts';
import { checkStateFiles } from '../../state/state-files.ts';
import { checkTrustedDirectory, trustedOwners } from '../../state/trust.ts';
import { SETTING_NAMES, type SettingSource } from '../../config/settings.ts';
import { messageOf } from '../../errors.ts';
import { version as own } from '../../version.ts';
import { failure, ok, warning, type Check, type Finding } from './finding.ts';

const OLDEST_NODE = [20, 19] as const;
const MIB = 1024 * 1024;
const LITTLE_SPACE = 200 * MIB;
const NO_SPACE = 10 * MIB;

export function checkNodeVersion(version: string = process.versions.node): Finding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNewEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  if (isNewEnough) return [ok('node', `coda-node ${own}, Node.js ${version}`)];
  return [failure('node', `Node ${version} is too old`, `Install Node ${OLDEST_NODE.join('.')} or newer.`)];
}

export const checkConfig: Check = ({ config }) => {
  const counts = new Map<SettingSource, number>();
  for (const name of SETTING_NAMES) {
    const { source } = config.sources[name];
    if (source !== 'default') counts.set(source, (counts.get(source) ?? 0) + 1);
  }
  const sources = [...counts].map(([source, count]) => `${count} from the ${source}`);
  const file = config.configFile === undefined ? 'no config file' : `config file ${config.configFile}`;
  return [
    ok('config', `${file}; settings: ${[...sources, 'the rest are defaults'].join(', ')}`),
    ...config.warnings.map((text) =>
      warning('config', text, 'Correct, rename or unset it; coda config lists all settings.'),
    ),
  ];
};

export const checkStateDir: Check = ({ config }) => {
  const { stateDir } = config.settings;
  const check = 'state';
  const stats = statSync(stateDir, { throwIfNoEntry: false });
  if (stats === undefined) {
    const parent = dirname(stateDir);
    return writeFault(parent) === undefined
      ? [ok(check, `${stateDir} will be made at the first start`), ...volatility(stateDir)]
      : [
          failure(
            check,
            `${stateDir} does not exist and cannot be made`,
            `Make ${parent} writable, or set CODA_STATE_DIR.`,
          ),
        ];
  }
  if (!stats.isDirectory())
    return [failure(check, `${stateDir} is not a directory`, 'Set CODA_STATE_DIR to a directory.')];
  // As a start does; what it throws is shown as a failure.
  checkTrustedDirectory(stateDir, trustedOwners(config.settings.trustedOwners));
  checkStateFiles(stateDir);
  const fault = writeFault(stateDir);
  if (fault !== undefined) {
    return [
      failure(check, `${stateDir} cannot be written: ${messageOf(fault)}`, writeRemedy(fault, stateDir)),
    ];
  }
  const isOpen = (stats.mode & 0o022) !== 0 && (stats.mode & 0o1000) === 0;
  return [
    isOpen
      ? warning(check, `others may write to ${stateDir}`, `Run: chmod go-w ${shellQuoted(stateDir)}`)
      : ok(check, `${stateDir} is writable`),
    ...volatility(stateDir),
    ...space(stateDir),
  ];
};

export const checkPort: Check = async ({ config, node, live }) => {
  const { host, port } = config.settings;
  const check = 'port';
  if (node !== undefined && live !== undefined) {
    return [ok(check, `the node (PID ${node.pid}) answers on port ${node.presence?.address?.port}`)];
  }
  const trouble = await tryToListen(host, port);
  if (trouble === undefined) return [ok(check, `port ${port} on ${host} is free`)];
  return [
    failure(
      check,
      `port ${port} on ${host} cannot be used: ${trouble}`,
      'Stop the other program, or set CODA_PORT (and CODA_HOST).',
    ),
  ];
};

function volatility(stateDir: string): Finding[] {
  const isVolatile = [tmpdir(), '/tmp', '/var/tmp', '/dev/shm', '/run'].includes(stateDir);
  if (!isVolatile) return [];
  return [
    warning(
      'state',
      `a restart of the machine may empty ${stateDir}: the credentials and undelivered results would be lost`,
      'Set CODA_STATE_DIR to a permanent directory, such as ~/.local/state/coda-node.',
    ),
  ];
}

function space(stateDir: string): Finding[] {
  const { bavail, bsize } = statfsSync(stateDir);
  const free = bavail * bsize;
  const text = `${Math.floor(free / MIB)} MB are free on its disk`;
  if (free < NO_SPACE) return [failure('state', text, 'Free some space: results cannot be saved.')];
  if (free < LITTLE_SPACE)
    return [warning('state', text, 'Free some space: results are saved there until they are delivered.')];
  return [ok('state', text)];
}

/** Why this user cannot write there; undefined if it can. */
function writeFault(directory: string): unknown {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

function tryToListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(messageOf(error)));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}
