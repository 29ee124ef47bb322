// A name with a slow address beside dead ones, through a whole node: the names come from a hosts file
// of its own, in a mount namespace.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bell } from '../../../src/testing/index.ts';
import { noSlowAddress, slowAddress } from '../../support/slow-address.ts';
import { bench, cloud } from '../workbench.ts';

const NAME = 'cloud.lab';
const UNSHARE = ['unshare', '--mount'] as const;
const noNamespace =
  spawnSync(UNSHARE[0], [UNSHARE[1], 'true']).status !== 0 &&
  'this user cannot make mount namespaces (root can)';

describe('a cloud with a slow address beside dead ones', { skip: noSlowAddress || noNamespace }, () => {
  it('is connected to, and gets its results', async (t) => {
    const slow = await slowAddress('127.0.0.2', Number(new URL(cloud.url).port));
    t.after(() => slow.close());
    const dead = await slowAddress('127.0.0.3', 1, slow.port);
    t.after(() => dead.close());
    const hosts = join(bench.folder, 'hosts');
    writeFileSync(hosts, ['127.0.0.2', '127.0.0.3', '2001:db8::1'].map((one) => `${one} ${NAME}\n`).join(''));
    const url = `http://${NAME}:${slow.port}`;
    cloud.overrideBundle((bundle) => ({ ...bundle, webapp_url: url }));
    t.after(() => cloud.overrideBundle(undefined));

    const under = [...UNSHARE, 'sh', '-c', `mount --bind ${hosts} /etc/hosts; exec "$@"`, 'sh'];
    const env = { CODA_WEBAPP_URL: url, CODA_NODE_TOKEN: cloud.issueToken() };
    const node = bench.spawn(['start'], env, under);
    await slow.isWaitedFor();
    slow.release();
    await node.says('serving QPU');
    assert.doesNotMatch(node.output(), /attempt=2/, 'the first attempt is given the time');
    const raw = { callback_url: `${url}/api/internal/qpu/webhook` };
    const jobId = await cloud.submit({ ir: bell('cz').ir, shots: 5, raw });
    assert.equal((await cloud.outcome(jobId)).status, 'completed');
  });
});
