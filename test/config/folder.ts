// Real folders for the tests of this directory, removed when their test ends.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A new folder with these files in it; the names may hold slashes. */
export function folder(
  t: { after(action: () => void): void },
  files: Readonly<Record<string, string>> = {},
): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'coda-config-test-')));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) put(path, name, text);
  return path;
}

/** Writes a file of mode 0600. */
export function put(path: string, name: string, text: string | Uint8Array): string {
  const file = join(path, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o600);
  return file;
}

export const KEY = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END PRIVATE KEY-----\n';

/** What the Python original writes, with the key's path for `stateDir`. */
export function pythonState(stateDir: string): Record<string, unknown> {
  return {
    qpu_id: 'qpu-7',
    qpu_display_name: 'Lab seven',
    native_gate_set: 'iswap',
    num_qubits: 9,
    jwt_key_id: 'key-1',
    jwt_private_key_path: join(stateDir, 'coda-private-key'),
    redis_url: 'rediss://node:hunter2-redis@redis.example.org:6380/0',
    webapp_url: 'https://coda.example.org',
    connect_path: '/c',
    heartbeat_path: '/h',
    webhook_path: '/w',
    vpn_required: false,
    vpn_check_interval_sec: 20,
    vpn_interface_hint: null,
    vpn_probe_targets: ['https://probe.example.org/'],
    node_auto_vpn: false,
    node_vpn_profile_path: join(stateDir, 'coda-node.ovpn'),
    node_machine_fingerprint: 'lab-7-42',
  };
}

/** Puts a state directory as the Python original leaves it. */
export function putPythonState(stateDir: string, changes: Readonly<Record<string, unknown>> = {}): void {
  put(stateDir, 'coda.config', JSON.stringify({ ...pythonState(stateDir), ...changes }));
  put(stateDir, 'coda-private-key', KEY);
}

/**
 * Runs `action` as a user who is not root, if this is root: root may write anywhere. Not in this checkout, whose folder
 * only root may be able to enter.
 */
export async function asNobody<T>(action: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action();
  const checkout = process.cwd();
  process.chdir(tmpdir());
  process.seteuid?.(65_534);
  try {
    return await action();
  } finally {
    process.seteuid?.(0);
    process.chdir(checkout);
  }
}
