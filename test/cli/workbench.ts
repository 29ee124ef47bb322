// A local cloud for each test file that imports this, and an operator's folder of its own for each of its tests.
import { after, afterEach, before, beforeEach } from 'node:test';
import { startLocalCloud, type LocalCloud } from '../../src/testing/index.ts';
import { Bench } from './operator.ts';

export let cloud: LocalCloud;
export let bench: Bench;

before(async () => {
  cloud = await startLocalCloud();
});
after(() => cloud.close());
beforeEach(() => {
  bench = new Bench(cloud);
});
afterEach(() => bench.clear());
