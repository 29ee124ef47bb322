// The types are the point here: tsc checks every line, and each @ts-expect-error must have its error.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defineConfig, type CodaConfig, type PluginEntry } from '../../src/config/define.ts';
import type { Executor, ExecutorContext } from '../../src/device/executor.ts';
import { definePlugin, type Plugin } from '../../src/plugin.ts';

const mine = definePlugin({ name: 'mine', apply() {} });
const timed = definePlugin({
  name: 'timed',
  options: { type: 'object', properties: { everyMin: { type: 'number', default: 30 } } },
  apply(node, { everyMin }) {
    node.log.info(everyMin.toFixed());
  },
});
const ready = Boolean(mine);

/** Each may be the executor of a config. */
export const executors = [
  ['my-package', { host: 'rig-1' }],
  (settings, { log, device, options }) => {
    log.info(`${settings.numQubits} qubits, ${String(device?.['name'])}`, options);
    return { run: () => Promise.reject(new Error('none')) };
  },
  [
    (_settings, { options }: ExecutorContext<{ host: string }>) => labExecutor(options.host),
    { host: 'rig-1' },
  ],
] satisfies CodaConfig['executor'][];

function labExecutor(host: string): Executor {
  return { run: () => Promise.reject(new Error(host)) };
}

/** Any of these may be an `apply`. */
export const applies: readonly Plugin['apply'][] = [
  () => {},
  ({ hooks }) => hooks.drain.tap('mine', () => {}),
  ({ log }) => [1].push(log.masked('').length),
  (node) => node,
];

const config = {
  executor: './my-executor.ts:createExecutor',
  concurrency: 2,
  redisUrl: process.env['NO_SUCH_VARIABLE'],
  logLevel: 'warn',
  plugins: [
    ['heartbeat', { intervalSec: 10 }],
    ['vpn', { interfaceHint: null, probeTargets: ['https://a.org'] }],
    ['health', false],
    'cancellation',
    mine,
    ready && mine,
    './my-plugin.ts',
    ['./my-plugin.ts', { any: 'thing' }],
    ['coda-plugin-lab', { any: 'thing' }],
    ['@lab/plugin', { any: 'thing' }, 'second'],
    timed,
    [timed, { everyMin: 5 }, 'other'],
  ],
} satisfies CodaConfig;

export const mistakes: readonly unknown[] = [
  // @ts-expect-error an unknown option
  ['heartbeat', { intervalSecs: 10 }] satisfies PluginEntry,
  // @ts-expect-error an option of another type
  ['heartbeat', { intervalSec: '10' }] satisfies PluginEntry,
  // @ts-expect-error an option of another plugin
  ['vpn', { intervalSec: 10 }] satisfies PluginEntry,
  // @ts-expect-error an option of a plugin at the top
  { port: 1 } satisfies CodaConfig,
  // @ts-expect-error the key of the file is `executor`
  { executorFactory: 'simulator' } satisfies CodaConfig,
  // @ts-expect-error not a level
  { logLevel: 'loud' } satisfies CodaConfig,
  // @ts-expect-error options that are no object
  { executor: ['my-package', 7] } satisfies CodaConfig,
  // @ts-expect-error nothing would wait for it
  { name: 'mine', async apply() {} } satisfies PluginEntry,
  // @ts-expect-error no plugin
  { name: 'mine' } satisfies PluginEntry,
];

it('defineConfig returns its argument', () => {
  const make = (): CodaConfig => config;
  assert.equal(defineConfig(config), config);
  assert.equal(defineConfig(make), make);
});
