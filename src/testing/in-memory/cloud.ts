// The cloud of a node in memory: gives it a session, and answers what it posts as the test says.
import { connectivityOf } from '../../device/executor.ts';
import type { ConnectRequest } from '../../hooks.ts';
import type { Session } from '../../kernel/session.ts';
import { TransportError, type HttpAnswer, type HttpClient, type HttpRequest } from '../../net/http.ts';
import type { Plugin } from '../../plugin.ts';
import { CLOUD_PATHS } from '../../protocol/paths.ts';
import type { WebhookBody } from '../../protocol/webhook.ts';
import type { Ledger } from './playing.ts';

/** No such host can exist. */
export const CLOUD = 'https://cloud.test.invalid';
export const CALLBACK = `${CLOUD}${CLOUD_PATHS.webhook}`;

/** Answers a request that a plugin makes with `node.http`. */
export type Answering = (request: HttpRequest) => Partial<HttpAnswer> | Promise<Partial<HttpAnswer>>;

export class TestCloud implements HttpClient {
  /** What plugins have asked of others. */
  readonly requests: HttpRequest[] = [];
  /** The connect, as plugins have left it. */
  connected: ConnectRequest | undefined;
  readonly #jobs: Ledger;
  readonly #answering: Answering | undefined;

  constructor(jobs: Ledger, answering: Answering | undefined) {
    this.#jobs = jobs;
    this.#answering = answering;
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    if (request.url === CALLBACK) return this.#take(request);
    this.requests.push(request);
    if (this.#answering === undefined) {
      throw new TransportError(
        `${request.url} cannot be reached: testPlugin has no network, give it \`http\``,
        {
          sent: false,
        },
      );
    }
    return { ...EMPTY, ...(await this.#answering(request)) };
  }

  /** There are no connections. */
  renew(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** In place of the built-in plugin `connect`. */
  plugin(): Plugin {
    return {
      name: 'connect',
      apply: ({ hooks, settings }) =>
        hooks.connect.tapPromise('connect', async (executor) => {
          const connectivity = executor === undefined ? null : connectivityOf(executor);
          const request: ConnectRequest = {
            url: `${CLOUD}${CLOUD_PATHS.connect}`,
            mode: 'token',
            headers: { ...settings.nodeConnectHeaders },
            body: { machine_fingerprint: 'test-1', ...(connectivity === null ? {} : { connectivity }) },
          };
          await hooks.beforeConnect.promise(request);
          this.connected = request;
          return sessionOf(settings);
        }),
    };
  }

  #take({ body = '', headers = {} }: HttpRequest): HttpAnswer {
    const posted = JSON.parse(body) as WebhookBody;
    const playing = this.#jobs.get(posted.job_id);
    const answer = playing?.script.answers?.[playing.posts.length] ?? 200;
    playing?.posts.push({ headers, body: posted, answer });
    if (answer === 'unreachable') {
      throw new TransportError('connect ECONNREFUSED, as the test says', { sent: false });
    }
    return { ...EMPTY, status: answer };
  }
}

const EMPTY: HttpAnswer = { status: 200, headers: { 'content-type': 'application/json' }, text: '{}' };

function sessionOf({
  qpuId,
  qpuDisplayName,
  nativeGateSet,
  numQubits,
}: Pick<Session, 'qpuId' | 'qpuDisplayName' | 'nativeGateSet' | 'numQubits'>): Session {
  const token = (): Promise<string> => Promise.resolve('test-token');
  return {
    ...{ qpuId, qpuDisplayName, nativeGateSet, numQubits },
    machineFingerprint: 'test-1',
    redisUrl: 'redis://redis.test.invalid',
    webappUrl: CLOUD,
    heartbeatPath: CLOUD_PATHS.heartbeat,
    vpn: { required: false, checkIntervalSec: 10, interfaceHint: null, probeTargets: [] },
    signer: { token, fresh: token },
  };
}
