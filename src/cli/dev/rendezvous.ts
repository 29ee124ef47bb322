// How `coda submit` finds a running `coda dev` of the same user, and the other commands its node: a private file with the
// address and token of its cloud, and the state directory of its node.
import { rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPrivateFile, shellQuoted, writeFileAtomic } from '../../state/private-file.ts';
import { ConfigError } from '../../errors.ts';
import { isRecord } from '../../protocol/text.ts';

export interface Rendezvous {
  /** The local cloud's. */
  readonly url: string;
  /** Bearer token of the local cloud's API for developers; never shown. */
  readonly token: string;
  readonly pid: number;
  /** Of its node. */
  readonly stateDir: string;
}

/** `$XDG_RUNTIME_DIR/coda-dev.json` if that folder belongs to the user; else a file for each user in the temp directory. */
export function rendezvousPath(env: NodeJS.ProcessEnv): string {
  const runtimeDir = env['XDG_RUNTIME_DIR'];
  const user = process.getuid?.();
  // After `su` the variable may name another user's folder, and in a container none at all.
  if (runtimeDir && statSync(runtimeDir, { throwIfNoEntry: false })?.uid === user) {
    return join(runtimeDir, 'coda-dev.json');
  }
  return join(tmpdir(), user === undefined ? 'coda-dev.json' : `coda-dev-${user}.json`);
}

/** Announces a session; replaces an earlier announcement. Throws a ConfigError if the file cannot be written. */
export async function announce(rendezvous: Rendezvous, env: NodeJS.ProcessEnv): Promise<void> {
  await writeFileAtomic(rendezvousPath(env), `${JSON.stringify(rendezvous)}\n`);
}

/** Removes the announcement, unless a later session has replaced it. */
export function withdraw(rendezvous: Rendezvous, env: NodeJS.ProcessEnv): void {
  if (findSession(env)?.token === rendezvous.token) rmSync(rendezvousPath(env), { force: true });
}

/** The session that was announced last; it may have ended. Throws a ConfigError for a file that is not safe. */
export function findSession(env: NodeJS.ProcessEnv): Rendezvous | undefined {
  const path = rendezvousPath(env);
  const text = readPrivateFile(path);
  if (text === undefined) return undefined;
  const { url, token, pid, stateDir } = parse(text, path);
  if (typeof url !== 'string' || typeof token !== 'string' || typeof pid !== 'number') throw broken(path);
  if (typeof stateDir !== 'string') throw broken(path);
  return { url, token, pid, stateDir };
}

/** The session that was announced last, if its process is there; a file that cannot be read announces nothing. */
export function runningSession(env: NodeJS.ProcessEnv): Rendezvous | undefined {
  try {
    const session = findSession(env);
    if (session !== undefined) process.kill(session.pid, 0);
    return session;
  } catch {
    return undefined;
  }
}

/** For who looks for a node in `stateDir` and finds none: that of a `coda dev` has another state directory. */
export function devNodeHint(stateDir: string): string | undefined {
  const session = runningSession(process.env);
  if (session === undefined || session.stateDir === stateDir) return undefined;
  const variable = `CODA_STATE_DIR=${shellQuoted(session.stateDir)}`;
  return `A coda dev runs here, with a state directory of its own: for its node, put ${variable} before the command.`;
}

function parse(text: string, path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch {
    // Handled like JSON that is not an object.
  }
  throw broken(path);
}

function broken(path: string): ConfigError {
  return new ConfigError(`${path} does not describe a dev session`, {
    remedy: 'remove it and start: coda dev',
  });
}
