// Puts the time and the disk of a world in the place of the process's own, for as long as that world is played: the code
// that is tested is the code that runs in a node, and knows nothing of this.
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import timersPromises from 'node:timers/promises';
import { Disk, fault, OpenFile, OpenFolder, type Later } from './disk.ts';
import type { Time, Timer } from './time.ts';

/** Paths below it are files of a world. */
export const ROOT = '/world';

/** What the code of a node meets. */
export interface Stage {
  readonly time: Time;
  /** The node whose code runs now. */
  readonly actor: object | undefined;
  readonly disk: Disk;
  readonly later: Later;
  /** The code that runs now wants to hear when the process exits. */
  onExit(listener: () => void): void;
}

let stage: Stage | undefined;
let isSet = false;

/** From here on the process plays on this stage; undefined: on none. */
export function setStage(next: Stage | undefined): void {
  if (!isSet) replaceParts();
  isSet = true;
  stage = next;
}

/** The node whose code runs now. */
export function actorOnStage(): object | undefined {
  return stage?.actor;
}

function isOnStage(path: unknown): path is string {
  return stage !== undefined && typeof path === 'string' && path.startsWith(ROOT);
}

/** The parts of the process by which a node sees time and files. All else stays as it is. */
function replaceParts(): void {
  replaceTimers();
  replaceClocks();
  replaceFiles();
  replacePromisedFiles();
  const { on } = process;
  process.on = function listen(this: NodeJS.Process, event: string, listener: () => void) {
    if (stage === undefined) return on.call(this, event, listener);
    if (event === 'exit') stage.onExit(listener);
    return this;
  } as NodeJS.Process['on'];
  // Asked of the system four times a second, for the log only.
  const { cpuUsage } = process;
  process.cpuUsage = (before) => (stage === undefined ? cpuUsage(before) : { user: 0, system: 0 });
  const { uptime } = os;
  os.uptime = () => (stage === undefined ? uptime() : stage.time.now / 1000);
  const { random } = Math;
  // Jitter only.
  Math.random = () => (stage === undefined ? random() : 0.5);
  syncBuiltinESMExports();
}

class Handle {
  readonly timer: Timer;
  readonly #time: Time;

  constructor(time: Time, timer: Timer) {
    this.#time = time;
    this.timer = timer;
  }

  stop(): void {
    this.#time.stop(this.timer);
  }

  refresh(): this {
    this.#time.restart(this.timer);
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

type Callback = (...args: unknown[]) => void;

function replaceTimers(): void {
  const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval } = globalThis;
  const starter =
    (real: Callback, repeats: boolean) =>
    (fire: Callback, ms: number = 0, ...args: unknown[]): unknown => {
      if (stage === undefined) return Reflect.apply(real, globalThis, [fire, ms, ...args]);
      const { time, actor } = stage;
      return new Handle(
        time,
        time.start(() => fire(...args), ms, actor, repeats),
      );
    };
  const stopper =
    (real: Callback) =>
    (handle: unknown): void => {
      if (handle instanceof Handle) handle.stop();
      else real(handle);
    };
  const startImmediate = (fire: Callback, ...args: unknown[]): unknown => {
    if (stage === undefined) return Reflect.apply(setImmediate, globalThis, [fire, ...args]);
    const { time, actor } = stage;
    return new Handle(
      time,
      time.start(() => fire(...args), 0, actor, false),
    );
  };
  Object.assign(globalThis, {
    setTimeout: starter(setTimeout as Callback, false),
    setInterval: starter(setInterval as Callback, true),
    setImmediate: startImmediate,
    clearTimeout: stopper(clearTimeout as Callback),
    clearInterval: stopper(clearInterval as Callback),
  });
  const { setTimeout: sleep } = timersPromises;
  Object.assign(timersPromises, {
    setTimeout: (ms: number = 0, value?: unknown): Promise<unknown> => {
      if (stage === undefined) return sleep(ms, value);
      const { time, actor } = stage;
      return new Promise((resolve) => time.start(() => resolve(value), ms, actor, false));
    },
  });
}

function replaceClocks(): void {
  const now = performance.now.bind(performance);
  performance.now = () => (stage === undefined ? now() : stage.time.now);
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...args: [] | [number]) {
      if (args.length > 0 || stage === undefined) super(...(args as [number]));
      else super(stage.time.wall);
    }

    static override now(): number {
      return stage === undefined ? RealDate.now() : stage.time.wall;
    }
  } as DateConstructor;
}

/** Replaces functions of a module by those that ask `isMine` first. */
function replaceFunctions(
  module: object,
  isMine: (first: unknown) => boolean,
  functions: Readonly<Record<string, (...args: never[]) => unknown>>,
): void {
  for (const [name, own] of Object.entries(functions)) {
    const real = Reflect.get(module, name) as (...args: unknown[]) => unknown;
    const either = (...args: unknown[]): unknown =>
      isMine(args[0]) ? Reflect.apply(own, undefined, args) : Reflect.apply(real, module, args);
    Reflect.set(module, name, either);
  }
}

function onStage(): Stage {
  if (stage === undefined) throw new Error('no world is played');
  return stage;
}

function flagsOf(flags: number | string): number {
  const { O_RDWR, O_CREAT, O_TRUNC } = fs.constants;
  return typeof flags === 'number' ? flags : O_RDWR | O_CREAT | (flags === 'w' ? O_TRUNC : 0);
}

/** At once: the process stands still meanwhile. */
function replaceFiles(): void {
  const contentOf = (descriptor: number): [string, ReturnType<Disk['content']>] => {
    const path = onStage().disk.pathOf(descriptor);
    return [path, onStage().disk.content(path, 0)];
  };
  replaceFunctions(fs, (first) => Disk.owns(first) || isOnStage(first), {
    openSync: (path: string, flags: number | string) => onStage().disk.descriptor(path, flagsOf(flags)),
    closeSync: () => {},
    readFileSync: (path: string, encoding: BufferEncoding) => {
      const content = onStage().disk.find(path);
      if (content === undefined) throw fault('ENOENT', path);
      return content.now.toString(encoding);
    },
    writeSync: (descriptor: number, bytes: Buffer, offset: number, length: number, position: number) => {
      const [path, content] = contentOf(descriptor);
      onStage().disk.write(path, content, bytes.subarray(offset, offset + length), position, false);
    },
    writeFileSync: (descriptor: number, bytes: Buffer) => {
      const [path, content] = contentOf(descriptor);
      onStage().disk.write(path, content, bytes, content.now.length, false);
    },
    ftruncateSync: (descriptor: number, size: number) =>
      onStage().disk.truncate(contentOf(descriptor)[1], size),
    fsyncSync: (descriptor: number) => onStage().disk.sync(...contentOf(descriptor)),
    renameSync: (from: string, to: string) => onStage().disk.rename(from, to),
    rmSync: (path: string) => onStage().disk.removeIfThere(path),
    readdirSync: (path: string) => onStage().disk.names(path),
  });
}

function replacePromisedFiles(): void {
  const { O_DIRECTORY } = fs.constants;
  replaceFunctions(promises, isOnStage, {
    open: async (path: string, flags: number | string) => {
      const { disk, later } = onStage();
      const isFolder =
        disk.find(path) === undefined && (flagsOf(flags) & (fs.constants.O_CREAT | O_DIRECTORY)) === 0;
      return isFolder ? new OpenFolder() : new OpenFile(disk, path, flagsOf(flags), later);
    },
    rename: (from: string, to: string) => {
      const { disk, later } = onStage();
      return later(`renames ${from}`, () => disk.rename(from, to));
    },
    rm: (path: string) => {
      const { disk, later } = onStage();
      return later(`removes ${path}`, () => disk.removeIfThere(path));
    },
    appendFile: (path: string, text: string) => {
      const { disk, later } = onStage();
      return later(`appends to ${path}`, () => {
        const content = disk.content(path, fs.constants.O_CREAT);
        disk.write(path, content, Buffer.from(text), content.now.length, false);
        disk.sync(path, content);
      });
    },
    mkdir: async () => {},
    readdir: async (path: string) => onStage().disk.names(path),
    stat: async (path: string) => statOf(path),
    lstat: async (path: string) => statOf(path),
  });
}

function statOf(path: string): { size: number } {
  const content = onStage().disk.find(path);
  if (content === undefined) throw fault('ENOENT', path);
  return { size: content.now.length };
}
