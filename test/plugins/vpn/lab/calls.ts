// What a test can ask of the process inside a namespace, and how the questions travel.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { NativeGateIR } from '../../../../src/index.ts';
import type { Names } from './names.ts';

export interface Inside {
  /** On loopback, and forwarded to `privateHost`. */
  startCloud(privateHost: string): Promise<{ port: number }>;
  /** The bundle's `vpn` from the next connect on. */
  setVpn(terms: Readonly<Record<string, unknown>>): Promise<void>;
  /** The host that the bundle names from the next connect on. */
  setHost(host: string): Promise<void>;
  /** Answers questions for names, on an address of the namespace. */
  serveNames(address: string, names: Names): Promise<void>;
  /** The addresses of a name, in the order in which they are tried. */
  resolve(name: string): Promise<string[]>;
  /** Makes the cloud's API and its Redis reachable on a further address, and not any more. */
  openPublic(host: string): Promise<void>;
  closePublic(host: string): Promise<void>;
  issueToken(): Promise<string>;
  submit(privateHost: string, ir: NativeGateIR): Promise<string>;
  state(jobId: string): Promise<string>;
  result(jobId: string): Promise<string>;
  deliveries(): Promise<number>;
  violations(): Promise<string[]>;
  stopCloud(): Promise<void>;
  /** Cuts the connections of nodes that were killed together with their tunnel: Redis has not heard of it, and would give
   *  the next job to a read that one of them has left open. */
  forgetNodes(): Promise<void>;
  /** What Redis knows of connections, consumers and pending jobs. */
  redisState(): Promise<string>;
  /** Status 0: no answer within a second; then the body says why. */
  get(url: string): Promise<{ status: number; body: string }>;
}

export interface Call {
  readonly id: number;
  readonly method: keyof Inside;
  readonly args: readonly unknown[];
}

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export type Agent = Inside & { end(): void };

/** Starts the process in `namespace`; resolves once it answers. */
export async function startInside(namespace: string): Promise<Agent> {
  const script = fileURLToPath(new URL('./inside.js', import.meta.url));
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (reason: Error) => void }>();
  const ready = new Promise<unknown>((resolve, reject) => waiting.set(0, { resolve, reject }));
  child.on('message', ({ id, result, error }: Reply) => {
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) waiter?.resolve(result);
    else waiter?.reject(new Error(error));
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error(`the process in ${namespace} has ended`));
  });
  let last = 0;
  const call = (method: string, args: readonly unknown[]): Promise<unknown> => {
    const id = (last += 1);
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      child.send({ id, method, args });
    });
  };
  await ready;
  const end = (): void => void child.kill('SIGKILL');
  return new Proxy({} as Agent, {
    get: (_, method: string) =>
      method === 'end' ? end : method === 'then' ? undefined : (...args: unknown[]) => call(method, args),
  });
}
