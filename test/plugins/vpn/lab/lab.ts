// The laboratory: two network namespaces joined by a cable. In one a real OpenVPN server and the cloud, which only the
// tunnel leads to; in the other the node. Everything in it ends with it.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../../../../src/testing/index.ts';
import { startInside, type Agent } from './calls.ts';
import { clientProfile, makePki, type Pki } from './pki.ts';

/** The server's end of the cable: the way to the VPN server, and to the cloud for the very first connect. */
export const PUBLIC = '10.97.0.1';
/** Where cloud, Redis and webhooks are: only the tunnel leads there. */
export const PRIVATE = '10.99.0.1';

/** Why the lab cannot be built on this machine; undefined if it can. */
export function labIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  for (const program of ['ip', 'openssl', 'openvpn', 'unshare', 'setpriv']) {
    if (spawnSync('which', [program]).status !== 0) return `${program} is not installed`;
  }
  const name = `coda-try-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (made.status !== 0) return `network namespaces are not allowed here: ${made.stderr.trim()}`;
  spawnSync('ip', ['netns', 'del', name]);
  return undefined;
}

export interface Lab {
  readonly folder: string;
  /** Network namespaces. */
  readonly server: string;
  readonly client: string;
  /** The client's end of the cable. */
  readonly cable: string;
  readonly pki: Pki;
  /** A profile that leads to the server. */
  readonly profile: string;
  readonly cloud: Agent;
  readonly probe: Agent;
  /** The cloud's address for the very first connect, and the one behind the tunnel. */
  readonly publicUrl: string;
  readonly privateUrl: string;
  /** Resolves once the server waits for clients. `terms` change what it does from then on. */
  startServer(terms?: ServerTerms): Promise<void>;
  /** With SIGKILL: the other side hears nothing of it. */
  killServer(): Promise<void>;
  /** What the OpenVPN server has said since its last start. */
  serverLog(): string;
  close(): Promise<void>;
}

export interface ServerTerms {
  /** Further lines of the server's configuration. */
  readonly lines?: readonly string[];
  /** Whose certificate it shows. Default: its own. */
  readonly as?: 'server' | 'client';
}

export async function startLab(): Promise<Lab> {
  const id = randomBytes(3).toString('hex');
  const [server, client] = [`coda-s-${id}`, `coda-c-${id}`];
  const folder = await mkdtemp(join(tmpdir(), 'coda-vpn-lab-'));
  const pki = makePki(folder);
  const cleanUp = (): void => {
    for (const namespace of [server, client]) removeNamespace(namespace);
  };
  process.on('exit', cleanUp);
  for (const namespace of [server, client]) {
    ip('netns', 'add', namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
  }
  // `ip netns exec` puts it in the place of the machine's own.
  mkdirSync(settingsOf(client), { recursive: true });
  writeFileSync(join(settingsOf(client), 'resolv.conf'), `nameserver ${PUBLIC}\noptions timeout:1\n`);
  const cable = `vc${id}`;
  ip('link', 'add', `vs${id}`, 'netns', server, 'type', 'veth', 'peer', 'name', cable, 'netns', client);
  ip('-n', server, 'address', 'add', `${PUBLIC}/24`, 'dev', `vs${id}`);
  ip('-n', client, 'address', 'add', '10.97.0.2/24', 'dev', cable);
  ip('-n', server, 'link', 'set', `vs${id}`, 'up');
  ip('-n', client, 'link', 'set', cable, 'up');
  ip('-n', server, 'address', 'add', `${PRIVATE}/32`, 'dev', 'lo');

  const config = writeServerConfig(folder, pki);
  let openvpn: ChildProcess | undefined;
  let output = '';
  const startServer = async (terms?: ServerTerms): Promise<void> => {
    if (terms !== undefined) {
      await killServer();
      writeServerConfig(folder, pki, terms);
    }
    if (openvpn !== undefined && openvpn.exitCode === null && openvpn.signalCode === null) return;
    const child = spawn('ip', ['netns', 'exec', server, 'openvpn', '--config', config], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    openvpn = child;
    output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await waitUntil('the start of the OpenVPN server', () => {
      if (child.exitCode !== null) throw new Error(`the OpenVPN server has ended:\n${output}`);
      return output.includes('Initialization Sequence Completed');
    });
  };
  const killServer = async (): Promise<void> => {
    const child = openvpn;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  await startServer();
  const [cloud, probe] = await Promise.all([startInside(server), startInside(client)]);
  const { port } = await cloud.startCloud(PRIVATE);

  return {
    folder,
    server,
    client,
    cable,
    pki,
    profile: clientProfile(pki, PUBLIC),
    cloud,
    probe,
    publicUrl: `http://${PUBLIC}:${port}`,
    privateUrl: `http://${PRIVATE}:${port}`,
    startServer,
    killServer,
    serverLog: () => output,
    async close() {
      await cloud.stopCloud();
      cloud.end();
      probe.end();
      await killServer();
      cleanUp();
      process.off('exit', cleanUp);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The processes of `namespace` that run OpenVPN. */
export function openvpnsIn(namespace: string): number[] {
  const pids = execFileSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  return pids
    .split('\n')
    .filter((pid) => pid !== '' && commandOf(pid).includes('openvpn\0'))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function writeServerConfig(
  folder: string,
  pki: Pki,
  { lines = [], as = 'server' }: ServerTerms = {},
): string {
  const run = join(folder, 'server');
  mkdirSync(run, { recursive: true });
  const path = join(run, 'server.conf');
  writeFileSync(
    path,
    `dev srv0
dev-type tun
proto udp
port 1194
server 10.98.0.0 255.255.255.0
topology subnet
push "route ${PRIVATE} 255.255.255.255"
keepalive 10 60
data-ciphers AES-256-GCM
dh none
duplicate-cn
verb 3
${lines.join('\n')}
<ca>
${pki.ca}</ca>
<cert>
${pki[as].cert}</cert>
<key>
${pki[as].key}</key>
`,
    { mode: 0o600 },
  );
  return path;
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function removeNamespace(namespace: string): void {
  const pids = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).stdout.split('\n');
  for (const pid of pids) if (pid !== '') spawnSync('kill', ['-9', pid]);
  spawnSync('ip', ['netns', 'del', namespace]);
  rmSync(settingsOf(namespace), { recursive: true, force: true });
}

function settingsOf(namespace: string): string {
  return join('/etc/netns', namespace);
}
