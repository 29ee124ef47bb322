// Makes a fresh clone ready to run: the npm packages, redis-server, and the build. Says what it installs.
// Plain JavaScript without dependencies, since nothing is installed when it starts.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

requireNode(20, 19);
if (!packagesAreInstalled()) {
  say('installing the npm packages (npm ci)');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
if (!isOnPath('redis-server')) installRedis();
// Only the tests need these, and without them they say what they did not run.
if (process.argv.includes('--vpn')) installVpnLab();
run('npm', ['run', '--silent', 'build']);

function requireNode(major, minor) {
  const [have = 0, haveMinor = 0] = process.versions.node.split('.').map(Number);
  if (have > major || (have === major && haveMinor >= minor)) return;
  fail(`Node ${major}.${minor} or newer is needed; this is ${process.version}.`);
}

/** npm writes what it installed beside the packages; it must be what the lock file asks for. */
function packagesAreInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = lockedVersions(join(root, 'package-lock.json'));
  const have = lockedVersions(installed);
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => optional || have[path]?.version === version,
  );
}

function lockedVersions(file) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'));
  delete packages[''];
  return packages;
}

function installRedis() {
  if (isOnPath('apt-get')) {
    const sudo = sudoWords();
    if (sudo === undefined) fail('redis-server is missing. Install it as root: apt-get install redis-server');
    aptInstall(sudo, ['redis-server']);
    return;
  }
  if (isOnPath('brew')) {
    say('installing redis (brew install redis)');
    run('brew', ['install', '--quiet', 'redis']);
    return;
  }
  fail(
    'redis-server is missing, and neither apt-get nor brew is here. Install Redis 6.2 or newer, then try again.',
  );
}

/** What the tests of the VPN need: a real OpenVPN, network namespaces and certificates. */
function installVpnLab() {
  const programs = { openvpn: 'openvpn', ip: 'iproute2', openssl: 'openssl' };
  const missing = Object.entries(programs).flatMap(([program, name]) => (isInstalled(program) ? [] : [name]));
  const sudo = sudoWords();
  if (missing.length === 0 || !isOnPath('apt-get') || sudo === undefined) return;
  aptInstall(sudo, missing);
}

/** What makes a command root's; undefined where there is no way. */
function sudoWords() {
  if (process.getuid?.() === 0) return [];
  return isOnPath('sudo') ? ['sudo'] : undefined;
}

function aptInstall(sudo, packages) {
  const apt = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq'];
  say(`installing ${packages.join(', ')} (${[...sudo, 'apt-get install', ...packages].join(' ')})`);
  run(apt[0], [...apt.slice(1), 'update'], { quiet: true });
  run(apt[0], [...apt.slice(1), 'install', '--yes', '--no-install-recommends', ...packages], { quiet: true });
}

/** Also where the system's own programs are, which are not on everybody's path. */
function isInstalled(program) {
  return isOnPath(program) || ['/usr/sbin', '/sbin'].some((folder) => existsSync(join(folder, program)));
}

function run(command, args, { quiet = false } = {}) {
  const result = spawnSync(command, args, {
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    encoding: 'utf8',
  });
  if (result.status === 0) return;
  if (quiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  fail(`'${command} ${args.join(' ')}' failed${result.error ? `: ${result.error.message}` : ''}.`);
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function fail(text) {
  process.stderr.write(`setup: ${text}\n`);
  process.exit(1);
}
