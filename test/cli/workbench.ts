// A local cloud for each test file that imports this, and an operator's folder of its own for each of its tests.
import { afterEach, beforeEach } from 'node:test';
import { cloud } from '../support/cloud.ts';
import { Bench } from './operator.ts';

export { cloud };
export let bench: Bench;

beforeEach(() => {
  bench = new Bench(cloud);
});
afterEach(() => bench.clear());
