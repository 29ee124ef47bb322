// The health server: `/health` and `/ready` for people and process managers, and a router for other plugins. It starts
// before the node connects, so that a port that is in use does not waste the token (PROTOCOL §8). Other machines see
// `/health` and the contract's four fields of `/ready`; all else is for this machine, unless `healthOpen` is set.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context, Next } from 'koa';
import { ConfigError, messageOf, type CodaNode, type Logger, type Plugin } from '../../src/index.ts';
import {
  asLines,
  MORE_FILES_REMEDY,
  mostConnections,
  ReadinessReport,
  healthAddress,
  type HealthAddress,
} from '../../src/kit.ts';
import { capConnections } from './connections.ts';
import { isFromThisMachine } from './visitor.ts';

/** How long open requests may take to end when the node closes. */
const CLOSE_GRACE_MS = 1_000;
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
  /** How often the three above are looked at. */
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
};
/** A reader that takes nothing of an answer for this long is gone. */
const SILENT_MS = 30_000;
const MOST_REQUESTS = 1_000;

/** Serves `GET /health` and `GET /ready` on `host`:`port`, and the routes that the `http` hook adds. */
export function health(): Plugin {
  return {
    name: 'health',
    apply(node) {
      let address: HealthAddress | undefined;
      node.services.provide(healthAddress, () => {
        if (address === undefined) throw new ConfigError('the health server is not listening yet');
        return address;
      });
      // Before the taps of other plugins: while one of them hangs, /ready says so.
      node.hooks.boot.tapPromise({ name: 'health', stage: -500 }, async () => {
        const log = node.log.child('health');
        const server = await createHealthServer(node, log);
        address = await listen(server, node.settings.host, node.settings.port);
        // Without a descriptor for a visitor, Node.js hangs up; some systems say so here.
        server.on('error', (error) =>
          log.error(`the health server cannot take a connection: ${messageOf(error)} → ${MORE_FILES_REMEDY}`),
        );
        node.onClose('health server', () => close(server));
        const host = address.host.includes(':') ? `[${address.host}]` : address.host;
        log.info(`listening on http://${host}:${address.port}`);
      });
    },
  };
}

async function createHealthServer(node: CodaNode, log: Logger): Promise<Server> {
  // Loaded here, since commands that start no node do not need them.
  const [{ default: Koa }, { Router }, { createServer }] = await Promise.all([
    import('koa'),
    import('@koa/router'),
    import('node:http'),
  ]);

  const { host, healthOpen } = node.settings;
  const seesAll = (ctx: Context): boolean => healthOpen || isFromThisMachine(ctx.req, host);
  const ours = new Router();
  ours.get('/health', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  ours.get('/ready', (ctx) => {
    const report = readinessOf(node);
    answer(ctx, report.ready ? 200 : 503, seesAll(ctx) ? report.toJSON() : report.summary());
  });
  const router = new Router();
  node.hooks.http.call(router);

  const app = new Koa();
  app.on('error', (error: unknown) => log.warn(`a request failed: ${messageOf(error)}`));
  app.use(async (ctx, next) => {
    ctx.set('cache-control', 'no-store');
    await next();
    if (ctx.body !== undefined && ctx.body !== null) return;
    if (ctx.status === 404) answer(ctx, 404, { error: `there is no ${ctx.path} here` });
    if (ctx.status === 405 || ctx.status === 501)
      answer(ctx, 405, { error: `${ctx.method} is not allowed here` });
  });
  app.use(ours.routes());
  app.use(ours.allowedMethods());
  app.use(async (ctx: Context, next: Next) => {
    if (seesAll(ctx)) await next();
    else answer(ctx, 403, { error: ONLY_HERE });
  });
  app.use(router.routes());
  app.use(router.allowedMethods());

  const handle = app.callback();
  const server = createServer(LIMITS, (request, response) => void handle(request, response));
  server.setTimeout(SILENT_MS);
  server.maxRequestsPerSocket = MOST_REQUESTS;
  capConnections(server, mostConnections());
  return server;
}

const ONLY_HERE =
  'only the machine of the node may ask for this; other machines see /health and four fields of /ready (CODA_HEALTH_OPEN)';

/** Escaped, since people look at it in a terminal. */
function answer(ctx: { status: number; body: unknown; type: string }, status: number, body: unknown): void {
  // Koa answers 200 to a body unless the status is set first.
  ctx.status = status;
  ctx.type = 'json';
  ctx.body = asLines(JSON.stringify(body));
}

/** Always a report, also if the node is starting or broken: that is what the caller asks about. */
function readinessOf(node: CodaNode): ReadinessReport {
  let report: ReadinessReport;
  try {
    report = node.readiness();
  } catch (thrown) {
    report = new ReadinessReport();
    report.notReady(`readiness cannot be determined: ${messageOf(thrown)}`);
  }
  if (report.ready && node.phase !== 'running') report.notReady(`the node is ${node.phase}`);
  return report;
}

function listen(server: Server, host: string, port: number): Promise<HealthAddress> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(asConfigError(error, host, port));
    server.once('error', failed);
    server.listen({ host, port }, () => {
      server.off('error', failed);
      const { address, port: actual } = server.address() as AddressInfo;
      resolve({ host: address, port: actual });
    });
  });
}

function asConfigError(error: NodeJS.ErrnoException, host: string, port: number): ConfigError {
  const at = `port ${port} on ${host}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigError(`the health server cannot listen: ${at} is in use`, {
        cause: error,
        remedy: 'Stop the other program (another node?), or choose another port with --port or CODA_PORT.',
      });
    case 'EACCES':
      return new ConfigError(`the health server cannot listen: ${at} is not allowed to this user`, {
        cause: error,
        remedy: 'Choose a port above 1023 with --port or CODA_PORT.',
      });
    default:
      return new ConfigError(`the health server cannot listen: ${at}: ${error.message}`, {
        cause: error,
        remedy: 'Set CODA_HOST to an address of this machine, such as 127.0.0.1 or 0.0.0.0.',
      });
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(grace);
      resolve();
    });
    server.closeIdleConnections();
  });
}
