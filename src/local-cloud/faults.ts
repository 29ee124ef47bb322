// Failures on demand: the next requests to an endpoint get an error, no answer, or a closed connection.
import type { Socket } from 'node:net';

export type Endpoint = 'connect' | 'heartbeat' | 'webhook' | 'health';

export type Fault = (
  | {
      /** The answer; the request has no effect. */
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** Sent as JSON. Default: an `error` that says it is a fault on purpose. */
      readonly body?: unknown;
    }
  | {
      /**
       * `hang`: no answer. `reset`: the connection is closed without an answer.
       * `lose-answer`: the request takes effect, but the connection is closed before the answer.
       */
      readonly action: 'hang' | 'reset' | 'lose-answer';
    }
) & {
  /** How many requests it affects. Default: all until `heal`. */
  readonly times?: number;
};

export class Faults {
  readonly #planned = new Map<Endpoint, { fault: Fault; left: number }[]>();
  readonly #hanging = new Set<Socket>();

  /** Adds a fault after those that are planned for the endpoint. */
  plan(endpoint: Endpoint, fault: Fault): void {
    const queue = this.#planned.get(endpoint) ?? [];
    queue.push({ fault, left: fault.times ?? Infinity });
    this.#planned.set(endpoint, queue);
  }

  /** The fault for this request, if there is one. */
  next(endpoint: Endpoint): Fault | undefined {
    const queue = this.#planned.get(endpoint);
    const first = queue?.[0];
    if (queue === undefined || first === undefined) return undefined;
    first.left -= 1;
    if (first.left <= 0) queue.shift();
    return first.fault;
  }

  hang(socket: Socket): void {
    this.#hanging.add(socket);
    socket.once('close', () => this.#hanging.delete(socket));
  }

  /** Removes all faults and closes the connections that hang. */
  heal(): void {
    this.#planned.clear();
    for (const socket of this.#hanging) socket.destroy();
  }
}
