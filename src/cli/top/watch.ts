// `coda top` on a terminal: looks again and again, and leaves the terminal as it was, however it ends.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../../config/settings.ts';
import { CodaError } from '../../errors.ts';
import { abortOnSignals } from '../terminal/exit.ts';
import { paint, screen, type Output } from '../terminal/output.ts';
import { momentText } from '../terminal/words.ts';
import { lines } from './lines.ts';
import { look, type Look } from './look.ts';

const CTRL_C = '\u0003';
const CTRL_Z = '\u001a';

/** Until `q`, Ctrl-C, or a signal. Throws if the first look fails. */
export async function watch(settings: Settings, everySec: number, out: Output): Promise<void> {
  let seen = await look(settings);
  let seenAt = Date.now();
  let news = '';
  let trouble = '';
  const signalled = abortOnSignals();
  const quit = new AbortController();
  const ended = AbortSignal.any([signalled, quit.signal]);
  const aborted = new Promise<undefined>((resolve) => {
    ended.addEventListener('abort', () => resolve(undefined));
  });
  const draw = (rows: number): string[] => {
    const head = `coda top  ${momentText(seenAt)}  every ${everySec} s, q quits`;
    const note = trouble || news;
    return [note === '' ? head : `${head}  ${paint(out, 'red', note)}`, ...lines(seen, out, rows - 1)];
  };
  const taken = takeTerminal(draw, () => quit.abort());
  try {
    while (!ended.aborted) {
      await sleep(everySec * 1000, undefined, { signal: ended }).catch(() => {});
      try {
        // A node that does not answer keeps nobody here.
        const next = await Promise.race([look(settings), aborted]);
        if (next === undefined) break;
        news = newsOf(seen, next) ?? news;
        trouble = '';
        seen = next;
        seenAt = Date.now();
      } catch (thrown) {
        if (!(thrown instanceof CodaError)) throw thrown;
        [trouble = ''] = thrown.message.split('\n');
      }
      taken.redraw();
    }
  } finally {
    taken.now();
  }
}

/** What has become of the node since the look before; undefined if nothing has. */
function newsOf({ status: before }: Look, { status: now }: Look): string | undefined {
  if (!now.running) return before.running ? 'the node has ended; waiting for its next start' : undefined;
  if (before.running && before.pid === now.pid && before.started_at === now.started_at) return undefined;
  return `the node was started: PID ${now.pid}`;
}

interface Taken {
  redraw(): void;
  now(): void;
}

function takeTerminal(draw: (rows: number) => string[], quit: () => void): Taken {
  const shown = screen();
  const { stdin } = process;
  let isOpen = false;
  const redraw = (): void => {
    if (isOpen) shown.draw(draw);
  };
  const enter = (): void => {
    isOpen = true;
    // Set anew: the shell has changed it while this process was stopped.
    if (stdin.isTTY) stdin.setRawMode(false).setRawMode(true);
    shown.open();
    redraw();
  };
  const leave = (): void => {
    if (!isOpen) return;
    isOpen = false;
    shown.close();
    if (stdin.isTTY) stdin.setRawMode(false);
  };
  const stop = (): void => {
    leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  const onKey = (keys: Buffer): void => {
    const text = keys.toString('latin1');
    if (text.includes('q') || text.includes(CTRL_C)) quit();
    // To all processes of the job, as the terminal does it.
    else if (text.includes(CTRL_Z)) process.kill(0, 'SIGTSTP');
  };
  process.on('SIGTSTP', stop);
  process.on('SIGCONT', enter);
  process.on('exit', leave);
  // Before the error is shown, so that it stays.
  process.on('uncaughtExceptionMonitor', leave);
  process.stdout.on('resize', redraw);
  if (stdin.isTTY) {
    stdin.on('data', onKey);
    stdin.on('error', quit);
    stdin.on('end', quit);
  }
  enter();
  return {
    redraw,
    now: () => {
      leave();
      process.off('SIGTSTP', stop).off('SIGCONT', enter);
      stdin.off('data', onKey).pause();
    },
  };
}
