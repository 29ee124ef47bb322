// A node as an operator starts it, inside the client's namespace of a lab.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '../../../../src/testing/index.ts';
import { openvpnsIn, type Lab } from './lab.ts';

const MAIN = fileURLToPath(new URL('../../../../bundle/coda.cjs', import.meta.url));

/** Ends a run when the file `go` is beside it. */
const HELD_EXECUTOR = `
import { existsSync } from 'node:fs';
import { defineConfig } from 'coda-node';
export default defineConfig({ executor: () => ({
  async run(ir, shots) {
    while (!existsSync(new URL('./go', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 5));
    return { counts: { '00': shots }, executionTimeMs: 1, shotsCompleted: shots };
  },
}) });
`;

export interface Ready {
  readonly status: number;
  readonly ready: boolean;
  readonly vpn_state: string;
  readonly vpn_interface?: string | null;
  readonly reasons: readonly string[];
}

export interface VpnNode {
  readonly child: ChildProcess;
  readonly stateDir: string;
  output(): string;
  says(text: string): Promise<void>;
  /** What `/ready` answers; status 0 if nothing answers. */
  ready(): Promise<Ready>;
  readonly ended: Promise<number | null>;
}

export interface VpnNodeOptions {
  readonly home: string;
  readonly token?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Comes before the node's own command line, such as `setpriv …`. */
  readonly wrapper?: readonly string[];
}

export function newHome(lab: Lab, held = false): string {
  const home = mkdtempSync(join(lab.folder, 'node-'));
  if (held) writeFileSync(join(home, 'coda.config.ts'), HELD_EXECUTOR);
  return home;
}

export function startVpnNode(lab: Lab, { home, token, env = {}, wrapper = [] }: VpnNodeOptions): VpnNode {
  const stateDir = join(home, 'state');
  const command = [
    ...wrapper,
    process.execPath,
    MAIN,
    'start',
    ...(token === undefined ? [] : ['--token', token]),
  ];
  const child = spawn('ip', ['netns', 'exec', lab.client, ...command], {
    cwd: home,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      TMPDIR: home,
      CODA_HOST: '127.0.0.1',
      CODA_STATE_DIR: stateDir,
      ...(token === undefined ? {} : { CODA_WEBAPP_URL: lab.publicUrl }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return {
    child,
    stateDir,
    output: () => text,
    async says(wanted) {
      await waitUntil(`the node saying ${JSON.stringify(wanted)}`, () => {
        if (text.includes(wanted)) return true;
        if (child.exitCode !== null) throw new Error(`the node has ended; it said:\n${text}`);
        return false;
      }).catch((thrown: unknown) => {
        throw new Error(`${String(thrown)}; it said:\n${text}`, { cause: thrown });
      });
    },
    async ready() {
      const { status, body } = await lab.probe.get('http://127.0.0.1:8080/ready');
      const answer: Omit<Ready, 'status'> =
        status === 0
          ? { ready: false, vpn_state: body, reasons: [] }
          : (JSON.parse(body) as Omit<Ready, 'status'>);
      return { ...answer, status };
    },
    ended,
  };
}

/** Ends what a test has left of these nodes, with their tunnels; the cloud knows none of them any more. */
export async function endNodes(lab: Lab, running: VpnNode[]): Promise<void> {
  for (const node of running.splice(0)) {
    node.child.kill('SIGKILL');
    await node.ended;
  }
  for (const pid of openvpnsIn(lab.client)) process.kill(pid, 'SIGKILL');
  await lab.cloud.forgetNodes();
}

/** Runs the rest in a mount namespace of its own, after `command`. */
export function hiding(command: string): string[] {
  return ['unshare', '--mount', 'sh', '-c', `${command} && exec "$@"`, 'sh'];
}

/** The user `nobody` with one capability; with a /dev/net/tun that everybody may open, as in most distributions. */
export function unprivileged(lab: Lab, home: string): string[] {
  const tun = join(lab.folder, 'tun');
  const prepare = `chown -R 65534:65534 ${home} && chmod 755 ${lab.folder} && { [ -e ${tun} ] || mknod -m 666 ${tun} c 10 200; } && mount --bind ${tun} /dev/net/tun`;
  const drop = [
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    '--inh-caps=-all,+net_admin',
    '--ambient-caps=-all,+net_admin',
    '--bounding-set=-all,+net_admin',
  ];
  return [...hiding(prepare), ...drop];
}
