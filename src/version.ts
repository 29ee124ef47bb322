// The version of this package, as the cloud and the operator see it.
import { createRequire } from 'node:module';

export const { version } = createRequire(import.meta.url)('coda-node/package.json') as { version: string };
