// `coda dev` as a script of npm, whose npm is ended in whatever way: nothing of the session is left running.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findSession } from '../../../src/cli/dev/rendezvous.ts';
import { findOwnProcesses, isProcessRunning, parentOf } from '../../../src/state/process.ts';
import { waitUntil } from '../../../src/testing/index.ts';

const MAIN = fileURLToPath(new URL('../../../bundle/coda.cjs', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'coda-dev-npm-'));
after(() => rmSync(project, { recursive: true, force: true }));

const WAYS = [
  { signal: 'SIGTERM', command: ['npm', 'run', 'dev'] },
  { signal: 'SIGKILL', command: ['npm', 'run', 'demo'] },
  { signal: 'SIGHUP', command: ['npx', '--no', 'coda', 'dev', '--cloud-only'] },
] as const;

it(
  'ends with its npm, whichever signal that gets, and its Redis, its cloud and its node with it',
  { skip: process.platform !== 'linux' && 'only Linux tells whose child a process is' },
  async () => {
    const scripts = { dev: `coda dev --shots 10`, demo: `node -e 0 && node ${MAIN} dev --cloud-only` };
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'lab', scripts }));
    mkdirSync(join(project, 'node_modules', '.bin'), { recursive: true });
    symlinkSync(MAIN, join(project, 'node_modules', '.bin', 'coda'));
    await Promise.all(
      WAYS.map(async ({ signal, command: [command, ...args] }) => {
        const home = join(project, signal);
        mkdirSync(home, { mode: 0o700 });
        const env = {
          PATH: process.env['PATH'],
          HOME: home,
          TMPDIR: home,
          XDG_RUNTIME_DIR: home,
          npm_config_update_notifier: 'false',
        };
        const npm = spawn(command, args, { cwd: project, env, stdio: 'ignore', detached: true });
        await waitUntil(`the session of ${signal}`, () => findSession(env) !== undefined);
        const pid = findSession(env)?.pid ?? 0;
        const started = findOwnProcesses(() => true).filter(
          (one) => one.pid === pid || parentOf(one.pid) === pid,
        );
        try {
          assert.ok(started.length > 1, 'the session and its redis-server');
          assert.notEqual(pid, npm.pid);
          npm.kill(signal);
          await waitUntil(`the end of all after ${signal}`, () => !started.some(isProcessRunning));
          assert.equal(existsSync(join(home, 'coda-dev.json')), false, `cleaned up after ${signal}`);
        } finally {
          npm.kill('SIGKILL');
          for (const one of started) if (isProcessRunning(one)) process.kill(one.pid, 'SIGKILL');
        }
      }),
    );
  },
);
