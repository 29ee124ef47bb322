// A local cloud for each test file that imports this.
import { after, before } from 'node:test';
import { startLocalCloud, type LocalCloud } from '../../src/testing/index.ts';

export let cloud: LocalCloud;

before(async () => {
  cloud = await startLocalCloud();
});
after(() => cloud.close());
