// The setup of a measurement: redis-server, the cloud, slow lines and the subjects, each in its own process.
import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedisServer, type RedisServer } from '../../src/testing/index.ts';
import type { CloudApi } from './cloud-process.ts';
import type { DelayApi } from './delay-process.ts';
import { installPackage, type InstalledPackage } from './package.ts';
import { Remote } from './remote.ts';
import type { SubjectName } from './subject.ts';

/** Only `full` counts. `quick` shows that everything works, with rough figures. `tiny` is for tests. */
export type Form = 'full' | 'quick' | 'tiny';

export interface LabOptions {
  readonly form: Form;
  /** The Python interpreter that has the original. */
  readonly original: string | undefined;
  readonly say: (text: string) => void;
}

/** The addresses of Redis and of the cloud for a subject. */
export interface Route {
  readonly redisUrl: string;
  readonly origin: string;
}

export class Lab {
  readonly form: Form;
  readonly original: string | undefined;
  readonly say: (text: string) => void;
  readonly folder: string;
  /** The package of this node, as users install it. */
  readonly package: InstalledPackage;
  readonly redisServer: RedisServer;
  /** The bench's own connection. */
  readonly redis: Redis;
  readonly cloud: Remote<CloudApi>;
  readonly key: { readonly pem: string; readonly jwt: string };
  readonly #cloudPort: number;
  readonly #delays: Remote<DelayApi>;
  readonly #slow = new Map<number, Promise<Route>>();
  readonly #removeFolder = (): void => rmSync(this.folder, { recursive: true, force: true });
  #trials = 0;

  private constructor(
    options: LabOptions,
    parts: { folder: string; redisServer: RedisServer; port: number },
    cloud: Remote<CloudApi>,
  ) {
    ({ form: this.form, original: this.original, say: this.say } = options);
    ({ folder: this.folder, redisServer: this.redisServer, port: this.#cloudPort } = parts);
    this.cloud = cloud;
    this.redis = new Redis(this.redisServer.url);
    this.#delays = new Remote(join(import.meta.dirname, 'delay-process.js'));
    this.package = installPackage(this.folder);
    this.key = newKey();
    process.on('exit', this.#removeFolder);
  }

  static async open(options: LabOptions): Promise<Lab> {
    const redisServer = await startRedisServer();
    const cloud = new Remote<CloudApi>(join(import.meta.dirname, 'cloud-process.js'));
    const port = await cloud.call('listen');
    const folder = await mkdtemp(join(tmpdir(), 'coda-bench-'));
    return new Lab(options, { folder, redisServer, port }, cloud);
  }

  /** The subjects of a comparison, in the order of their turns. */
  get subjects(): readonly SubjectName[] {
    return this.original === undefined ? ['node', 'bare'] : ['node', 'bare', 'original'];
  }

  /** One of three numbers, by the form of this run. */
  size(sizes: Readonly<Record<Form, number>>): number {
    return sizes[this.form];
  }

  /** The addresses of Redis and of the cloud, with a round trip of `rttMs`. */
  async route(rttMs: number): Promise<Route> {
    const { url, port } = this.redisServer;
    if (rttMs === 0) return { redisUrl: url, origin: `http://127.0.0.1:${this.#cloudPort}` };
    const open = async (): Promise<Route> => {
      const redisPort = await this.#delays.call('open', { port, rttMs });
      const cloudPort = await this.#delays.call('open', { port: this.#cloudPort, rttMs });
      return { redisUrl: url.replace(`:${port}`, `:${redisPort}`), origin: `http://127.0.0.1:${cloudPort}` };
    };
    const route = this.#slow.get(rttMs) ?? open();
    this.#slow.set(rttMs, route);
    return route;
  }

  /** The id of a QPU that no trial has had yet. */
  nextId(): string {
    this.#trials += 1;
    return `bench-${this.#trials}`;
  }

  async close(): Promise<void> {
    this.cloud.close();
    this.#delays.close();
    this.redis.disconnect();
    await this.redisServer.stop();
    process.off('exit', this.#removeFolder);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A key pair for all nodes, and a token for the bare loops, which sign nothing. */
function newKey(): { pem: string; jwt: string } {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), jwt: tokenOf(privateKey) };
}

function tokenOf(privateKey: KeyObject): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const iat = Math.floor(Date.now() / 1000);
  const head = part({ alg: 'RS256', typ: 'JWT', kid: 'bench' });
  const text = `${head}.${part({ sub: 'bench', iss: 'coda', iat, exp: iat + 3600 })}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
}
