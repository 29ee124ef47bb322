// The world of one fault: a node, and something that can fail on each of its ways to Redis and to the cloud.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { openRedis } from '../../../src/net/redis.ts';
import { CA, SERVER } from '../../support/certificates.ts';
import { tlsInFrontOf, type Certificate } from '../../support/middlemen.ts';
import { waitUntil } from '../../../src/testing/index.ts';
import { FaultProxy } from '../fault-proxy.ts';
import { jobIdOf } from '../ledger.ts';
import { World } from '../world.ts';
import type { Behaviour } from './executor.ts';
import { EXPIRED, SELF_SIGNED } from './certificates.ts';
import { Gateway } from './gateway.ts';
import { NightNode } from './night-node.ts';

/** The node's own user of Redis. Rights can be taken from it without taking them from the cloud. */
export const USER = 'night';
export const PASSWORD = 'night-shift-password';

export class Night {
  readonly world: World;
  readonly node: NightNode;
  /** The way to the cloud: a proxy that may fail, and behind it a gateway that may answer in the cloud's place. */
  readonly api: FaultProxy;
  readonly gateway: Gateway;
  /** The way to Redis. */
  readonly redisWay: FaultProxy;
  /** As the owner of Redis. */
  readonly redis: Redis;
  /** Jobs that are to fail. */
  readonly spoiled = new Set<string>();
  /** Jobs that the cloud could not submit. */
  readonly postponed: string[] = [];
  /** Ends the fault, if the fault itself has set how. */
  repair: () => unknown = () => {};
  #jobs = 0;
  #redisScheme = 'redis';

  private constructor(parts: { world: World; api: FaultProxy; gateway: Gateway; redisWay: FaultProxy }) {
    const { world, api, gateway, redisWay } = parts;
    this.world = world;
    this.api = api;
    this.gateway = gateway;
    this.redisWay = redisWay;
    this.redis = openRedis({ url: world.cloud.redisUrl, name: 'night', env: {} });
    this.redis.on('error', () => {});
    const folder = join(world.folder, 'site');
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, 'ca.pem'), `${CA}${EXPIRED.cert}`);
    const stateDir = join(world.folder, 'state');
    mkdirSync(stateDir, { mode: 0o700 });
    this.node = new NightNode(folder, stateDir, {
      CODA_HOST: '127.0.0.1',
      CODA_PORT: '0',
      CODA_STATE_DIR: stateDir,
      CODA_WEBAPP_URL: this.apiUrl,
      CODA_EXECUTOR_FACTORY: `${join(import.meta.dirname, 'executor.js')}:createExecutor`,
      CODA_HEARTBEAT_INTERVAL_SEC: '0.5',
      CODA_WEBHOOK_MAX_RETRY_DELAY_SEC: '1',
      CODA_WEBHOOK_TIMEOUT_SEC: '2',
      CODA_NODE_TIMEOUT_SEC: '6',
      CODA_NODE_CONNECT_RETRIES: '100',
      SSL_CERT_FILE: join(folder, 'ca.pem'),
      CHAOS_LEDGER: world.ledger.path,
      NIGHT_GO: join(folder, 'go'),
    });
    world.cloud.overrideBundle((bundle) => ({
      ...bundle,
      redis_url: this.redisUrl,
      webapp_url: this.apiUrl,
    }));
    world.deliverVia(this.apiUrl);
    world.onClose(async () => {
      await this.node.close();
      this.redis.disconnect();
      await Promise.all([redisWay.close(), api.close(), gateway.close()]);
    });
  }

  static async open(seed: number): Promise<Night> {
    const world = await World.open(seed);
    try {
      const gateway = await Gateway.open(world.cloud.url);
      const api = await FaultProxy.open(gateway.port);
      const redisWay = await FaultProxy.open(Number(new URL(world.cloud.redisUrl).port));
      const night = new Night({ world, api, gateway, redisWay });
      await night.grantUser();
      return night;
    } catch (thrown) {
      await world.close();
      throw thrown;
    }
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.api.port}`;
  }

  get redisUrl(): string {
    return `${this.#redisScheme}://${USER}:${PASSWORD}@127.0.0.1:${this.redisWay.port}`;
  }

  get redisPort(): number {
    return Number(new URL(this.world.cloud.redisUrl).port);
  }

  /** A file in the folder of the node. */
  path(name: string): string {
    return join(this.node.folder, name);
  }

  /** Writes a file in the folder of the node. */
  write(name: string, text: string): void {
    mkdirSync(join(this.path(name), '..'), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** Removes a file from the folder of the node. */
  remove(name: string): void {
    rmSync(this.path(name));
  }

  /** Lets an executor or a plugin of the node that waits continue. */
  go(): void {
    this.write('go', '');
  }

  start(): void {
    this.node.start(() => this.world.cloud.issueToken());
  }

  /** Starts it, waits until it serves, and ends it: it has its credentials then. */
  async provision(): Promise<void> {
    this.start();
    await this.node.serving();
    this.node.signal('SIGTERM');
    await this.node.ended(20_000);
  }

  async grantUser(): Promise<void> {
    await this.acl('reset', 'on', `>${PASSWORD}`, '~*', '&*', '+@all');
  }

  /** Changes what the node's user may do. */
  async acl(...rules: string[]): Promise<void> {
    await this.redis.call('ACL', 'SETUSER', USER, ...rules);
  }

  /** The bundle says `rediss` from the next connect on. */
  useRedisTls(): void {
    this.#redisScheme = 'rediss';
  }

  /** New connections to Redis meet TLS with this certificate, before a plain port. */
  async redisBehindTls(certificate: Certificate): Promise<void> {
    const front = await tlsInFrontOf(this.redisPort, certificate);
    this.world.onClose(() => front.close());
    this.redisWay.leadTo(front.port);
  }

  /** Results of the jobs that come now go to a TLS port with a certificate that nobody trusts. The returned
   *  function repairs that. */
  async deliverBehindSelfSigned(): Promise<() => void> {
    const bad = await tlsInFrontOf(this.api.port, SELF_SIGNED);
    const good = await tlsInFrontOf(this.api.port, SERVER);
    const way = await FaultProxy.open(bad.port);
    this.world.onClose(() => Promise.all([bad.close(), good.close(), way.close()]));
    this.world.deliverVia(`https://127.0.0.1:${way.port}`);
    return () => way.leadTo(good.port);
  }

  /** Waits until the cloud has refused the result of every job that has none. */
  async setAside(): Promise<void> {
    await waitUntil('every refusal', async () => {
      return (await this.#refused()) === this.world.unfinished.length;
    });
  }

  /** Has the cloud asked again for every result that it refused. */
  async replayRefused(): Promise<void> {
    if ((await this.#refused()) > 0) await this.node.must('results', 'replay', '--all');
  }

  /** Waits until no job is under way. */
  async idle(): Promise<void> {
    await this.world.allDelivered(20_000);
  }

  /** Shifts the clock for the node and its commands, from their next start on. */
  shiftClock(seconds: number): void {
    this.write('clock.cjs', clockScript(seconds * 1_000));
    this.node.env['NODE_OPTIONS'] = `--require=${this.path('clock.cjs')}`;
  }

  /** The id of the next job, for a fault that must be there before it. */
  nextJob(behaviour: Behaviour, ms: number): string {
    return jobIdOf(`${behaviour}-${this.#jobs + 1}`, ms);
  }

  /** Submits a job. If the cloud cannot, the job is submitted once all is well. */
  async job(behaviour: Behaviour = 'job', ms = 5): Promise<string> {
    const jobId = this.nextJob(behaviour, ms);
    this.#jobs += 1;
    this.world.jobs.push(jobId);
    // Redis may not answer at all: the client of the cloud then sends it later.
    const submitted = this.world.resubmit(jobId).catch(() => void this.postponed.push(jobId));
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([submitted, new Promise((resolve) => (timer = setTimeout(resolve, 1_000)))]);
    clearTimeout(timer);
    return jobId;
  }

  /** Submits a job that is to fail. */
  async spoiledJob(behaviour: Behaviour, ms?: number): Promise<string> {
    this.spoiled.add(this.nextJob(behaviour, ms ?? 5));
    return this.job(behaviour, ms);
  }

  /** How many results are set aside. */
  async #refused(): Promise<number> {
    const said = await this.node.must('results', 'list', '--json');
    return (JSON.parse(said) as { refused: unknown[] }).refused.length;
  }
}

/** A machine's clock is for root, and for all its programs: this moves it for one. */
function clockScript(ms: number): string {
  return `const real = Date;
globalThis.Date = class extends real {
  constructor(...words) {
    if (words.length === 0) super(real.now() + ${ms});
    else super(...words);
  }
  static now() {
    return real.now() + ${ms};
  }
};
`;
}
