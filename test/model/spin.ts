// Runs spin on a model: makes a checker, explores with it, and tells the way to a broken promise as a list of steps.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const MODELS = resolve('docs', 'model');

/** Why the models cannot be checked on this machine; false if they can. */
export function whyNotHere(): string | false {
  const missing = [
    ['spin', '-V'],
    ['gcc', '--version'],
  ].flatMap(([program = '', option = '']) => (spawnSync(program, [option]).status === 0 ? [] : [program]));
  return (
    missing.length > 0 && `${missing.join(' and ')} is not installed (apt-get install spin gcc libc6-dev)`
  );
}

/** How a checker goes through the states: the nearest first, so that a way to a broken promise is a short one; deep, which
 *  is better for many states; or looking for ways on which something never comes. */
export type Manner = 'nearest' | 'deep' | 'endless';

const DEFINES: Record<Manner, readonly string[]> = {
  nearest: ['-O1', '-DSAFETY', '-DBFS'],
  deep: ['-O2', '-DSAFETY'],
  endless: ['-O1'],
};

/** By the names that the model reads. */
export type Settings = Readonly<Record<string, number>>;

export interface Verdict {
  readonly states: number;
  readonly seconds: number;
  readonly megabytes: number;
  /** False if the search ended before it had seen all states. */
  readonly isComplete: boolean;
  /** The promise that does not hold, and the steps that lead there. */
  readonly broken: { readonly promise: string; readonly steps: readonly string[] } | undefined;
}

export interface Search {
  /** The size of the table of states; a small one is faster to begin with. */
  readonly hashBits?: number | undefined;
  /** Hears from time to time how many there are by now. */
  readonly onStates?: ((states: number) => void) | undefined;
}

const MOST_OUTPUT = 64 * 1024 * 1024;

export class Checker {
  readonly #folder: string;
  readonly #manner: Manner;
  #runs = 0;

  private constructor(folder: string, manner: Manner) {
    this.#folder = folder;
    this.#manner = manner;
  }

  static async make(model: string, manner: Manner, defines: readonly string[] = []): Promise<Checker> {
    const folder = mkdtempSync(join(resolve('dist'), 'model-'));
    const live = manner === 'endless' ? ['-DLIVE'] : [];
    await run('spin', [...live, ...defines, '-a', join(MODELS, model)], { cwd: folder });
    // Without reductions: they are made for processes that share little, and these share everything.
    const options = ['-w', '-DNOREDUCE', '-DVECTORSZ=4096', ...DEFINES[manner]];
    await run('gcc', [...options, '-o', 'pan', 'pan.c'], { cwd: folder });
    return new Checker(folder, manner);
  }

  async check(settings: Settings, { hashBits = 18, onStates }: Search = {}): Promise<Verdict> {
    const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
    const trail = `trail${(this.#runs += 1)}`;
    const options = { cwd: this.#folder, env: { ...process.env, ...env }, maxBuffer: MOST_OUTPUT };
    const words = ['-m10000', `-w${hashBits}`, '-n', '-E', `-t${trail}`];
    if (this.#manner === 'endless') words.push('-a');
    const running = run('./pan', words, options);
    running.child.stdout?.on('data', (text: string) => {
      for (const [, states] of text.matchAll(/States=\s*(\S+)/g)) onStates?.(Number(states));
    });
    const { stdout } = await running;
    const figure = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? Number.NaN);
    const verdict = {
      states: figure(/(\d+(?:\.\d+)?(?:e\+\d+)?) states, stored/),
      seconds: figure(/elapsed time ([\d.]+)/),
      megabytes: figure(/([\d.]+)\s+total actual memory usage/),
      isComplete: !/max search depth too small|out of memory|Search not completed/.test(stdout),
    };
    if (figure(/errors: (\d+)/) === 0) return { ...verdict, broken: undefined };
    return { ...verdict, broken: await this.#wayOf(trail, options) };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #wayOf(
    trail: string,
    options: { cwd: string; env: NodeJS.ProcessEnv; maxBuffer: number },
  ): Promise<NonNullable<Verdict['broken']>> {
    const file = readdirSync(this.#folder).find((name) => name.endsWith(`.${trail}`)) ?? trail;
    const { stdout } = await run('./pan', ['-S', file], options);
    const lines = stdout.split('\n').map((line) => line.trim());
    const end = lines.findIndex((line) => line.endsWith(' is broken'));
    const steps = lines.filter((line, i) => (end < 0 || i < end) && isStep(line));
    return { promise: end < 0 ? 'every-job-ends' : (lines[end] ?? '').replace(/ +is broken$/, ''), steps };
  }
}

/** A line that the model says itself, and not the checker of its own. */
function isStep(line: string): boolean {
  return /^((at |job |node )|(the (cloud|clock|node|outcome)|a request|a third|Redis) )/.test(line);
}
