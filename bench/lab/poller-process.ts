// Asks for /health at regular times, as a process manager does, and keeps how long each answer took. It has its own
// process, so that other work of the bench does not delay it.
import { Agent, get } from 'node:http';
import { now } from './clock.ts';
import { serve } from './remote.ts';

export type PollerApi = typeof api;

let timer: NodeJS.Timeout | undefined;
let times: number[] = [];
let unanswered = 0;
const agent = new Agent({ keepAlive: true });

const api = {
  start({ port, everyMs }: { readonly port: number; readonly everyMs: number }): void {
    times = [];
    timer = setInterval(() => ask(port), everyMs);
  },
  /** How long each answer took, in milliseconds. */
  async stop(): Promise<readonly number[]> {
    clearInterval(timer);
    while (unanswered > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    return times;
  },
};
serve(api);

function ask(port: number): void {
  const sentAt = now();
  unanswered += 1;
  const request = get({ port, host: '127.0.0.1', path: '/health', agent }, (answer) => {
    times.push(answer.statusCode === 200 ? now() - sentAt : Infinity);
    answer.resume();
    answer.on('close', () => (unanswered -= 1));
  });
  request.on('error', () => {
    times.push(Infinity);
    unanswered -= 1;
  });
}
