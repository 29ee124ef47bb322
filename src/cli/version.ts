// The version of this program, as its package says it.
import { createRequire } from 'node:module';

export const { version } = createRequire(import.meta.url)('coda-node/package.json') as { version: string };
