// The cloud of the bench, in its own process. It connects nodes, takes heartbeats and keeps all webhooks with their time.
// It uses raw sockets instead of an HTTP server, because it shares the machine with the measured process.
// It checks the bodies only after the measurement.
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { now } from './clock.ts';
import { cpuMs, hasProc, memoryMb } from './proc.ts';
import { serve } from './remote.ts';
import { CONNECT_PATH, HEARTBEAT_PATH, WEBHOOK_PATH } from './wire.ts';

/** The state at the moment when a given number of webhooks had arrived. */
export interface Mark {
  readonly count: number;
  /** The shared clock. */
  readonly at: number;
  /** Of the watched process; NaN if the system does not provide it. */
  readonly cpuMs: number;
  readonly peakMb: number;
}

/** What every webhook must say. */
export interface Expected {
  /** Job ids are `<prefix>-<n>`, n from 1 on. */
  readonly prefix: string;
  readonly count: number;
  readonly outcome: string;
  readonly shots: number;
}

export type CloudApi = typeof api;

const ANSWER_200 = answer('200 OK', '{"ok":true}');
const HEAD_END = Buffer.from('\r\n\r\n');

let bundle = '{}';
let arrivals: number[] = [];
let bodies: Buffer[] = [];
let beats: number[] = [];
let violations: string[] = [];
let watched: number | undefined;
let wantedMarks: number[] = [];
let marks: Mark[] = [];
let waiting: { readonly count: number; readonly resolve: () => void }[] = [];

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer | undefined;
  socket.on('data', (chunk) => {
    rest = takeRequests(socket, rest === undefined ? chunk : Buffer.concat([rest, chunk]));
  });
  socket.on('error', () => {});
});

const api = {
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  },
  /** Forgets everything. From now on nodes get this bundle. */
  begin(fields: object): void {
    bundle = JSON.stringify(fields);
    [arrivals, bodies, beats, violations, wantedMarks, marks, waiting] = [[], [], [], [], [], [], []];
    watched = undefined;
  },
  /** Notes the state of the process `pid` at each of these numbers of webhooks, in rising order. */
  watch({ pid, counts }: { readonly pid: number; readonly counts: readonly number[] }): void {
    watched = pid;
    wantedMarks = counts.filter((count) => count > arrivals.length);
  },
  /** Resolves when this many webhooks have arrived. */
  async reached(count: number): Promise<void> {
    if (arrivals.length >= count) return;
    await new Promise<void>((resolve) => waiting.push({ count, resolve }));
  },
  marks: (): readonly Mark[] => marks,
  beats: (): readonly number[] => beats,
  count: (): number => arrivals.length,
  /** The faults of the webhooks that arrived; and when each job's webhook arrived, by the job's number. */
  check(expected: Expected): { readonly faults: string[]; readonly arrivedAt: ReadonlyMap<number, number> } {
    const faults = [...violations];
    const arrivedAt = new Map<number, number>();
    for (const [i, body] of bodies.entries()) {
      const { fault, number } = judge(body, expected);
      if (fault !== undefined) faults.push(fault);
      else if (arrivedAt.has(number)) faults.push(`job ${expected.prefix}-${number} was delivered twice`);
      else arrivedAt.set(number, arrivals[i] ?? NaN);
    }
    return { faults, arrivedAt };
  },
};
serve(api);

/** Takes whole requests off the front, and returns the rest. */
function takeRequests(socket: Socket, received: Buffer): Buffer | undefined {
  let data = received;
  while (data.length > 0) {
    const headEnd = data.indexOf(HEAD_END);
    if (headEnd < 0) return data;
    const head = data.toString('latin1', 0, headEnd);
    const bodyAt = headEnd + HEAD_END.length;
    const bodyEnd = bodyAt + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (data.length < bodyEnd) return data;
    socket.write(answerTo(head, data.subarray(bodyAt, bodyEnd)));
    data = data.subarray(bodyEnd);
  }
  return undefined;
}

function answerTo(head: string, body: Buffer): Buffer {
  const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' ', head.indexOf(' ') + 1));
  if (!/^authorization: *bearer ./im.test(head)) violations.push(`${path}: no Authorization header`);
  switch (path) {
    case WEBHOOK_PATH:
      arrived(body);
      return ANSWER_200;
    case HEARTBEAT_PATH:
      beats.push(now());
      return ANSWER_200;
    case CONNECT_PATH:
      return answer('200 OK', bundle);
    default:
      violations.push(`no ${path} here`);
      return answer('404 Not Found', '{}');
  }
}

function arrived(body: Buffer): void {
  arrivals.push(now());
  // A copy: a part of the chunk would keep all of it.
  bodies.push(Buffer.from(body));
  const count = arrivals.length;
  if (count === wantedMarks[0]) {
    wantedMarks.shift();
    marks.push({ count, at: arrivals.at(-1) ?? NaN, ...usage() });
  }
  if (waiting.length === 0) return;
  for (const { resolve } of waiting.filter((one) => count >= one.count)) resolve();
  waiting = waiting.filter((one) => count < one.count);
}

function usage(): Pick<Mark, 'cpuMs' | 'peakMb'> {
  if (!hasProc || watched === undefined) return { cpuMs: NaN, peakMb: NaN };
  return { cpuMs: cpuMs(watched), peakMb: memoryMb(watched).peak };
}

function judge(
  body: Buffer,
  { prefix, count, outcome, shots }: Expected,
): { fault?: string; number: number } {
  const text = body.toString();
  try {
    const { execution_time_ms: ms, ...rest } = JSON.parse(text) as Record<string, unknown>;
    const jobId = String(rest['job_id']);
    const number = Number(jobId.slice(prefix.length + 1));
    const wanted = {
      job_id: `${prefix}-${number}`,
      status: 'completed',
      counts: { [outcome]: shots },
      shots_completed: shots,
    };
    const isRight = typeof ms === 'number' && ms >= 0 && isDeepStrictEqual(rest, wanted);
    if (isRight && number >= 1 && number <= count) return { number };
  } catch {
    // As below.
  }
  return { fault: `a wrong webhook: ${text.slice(0, 300)}`, number: NaN };
}

function answer(status: string, body: string): Buffer {
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}`;
  return Buffer.from(`${head}\r\n\r\n${body}`);
}
