// The package manager that runs `coda dev` as a script. If it is ended, what it runs may stay: npm passes SIGTERM to the shell
// between the two and no further, SIGHUP to nobody, and after SIGKILL can pass nothing.
import { commandLineOf, parentOf } from '../../state/process.ts';

const LOOK_EVERY_MS = 500;

/** What calls `coda` from a terminal, if a package manager has called it now: then it may be on no path but a script's. */
export function managerOf(env: NodeJS.ProcessEnv): string | undefined {
  const [name = ''] = (env['npm_config_user_agent'] ?? '').split('/');
  return new Map([
    ['npm', 'npx '],
    ['pnpm', 'pnpm exec '],
    ['yarn', 'yarn '],
    ['bun', 'bunx '],
  ]).get(name);
}

/** Aborted when the package manager has ended that runs this process, or the shell between the two. */
export function managerEnds(env: NodeJS.ProcessEnv): AbortSignal {
  const ends = new AbortController();
  if (managerOf(env) === undefined) return ends.signal;
  const { ppid } = process;
  const isShell = /^\S*sh -c /.test(commandLineOf(ppid));
  const manager = isShell ? parentOf(ppid) : undefined;
  const timer = setInterval(() => {
    if (process.ppid === ppid && (manager === undefined || parentOf(ppid) === manager)) return;
    clearInterval(timer);
    ends.abort();
  }, LOOK_EVERY_MS);
  timer.unref();
  return ends.signal;
}
