// Configuration that is there and wrong: the start is refused with the file and the reason, the same in doctor.
import type { Fault } from '../fault.ts';
import type { Place } from '../place.ts';
import type { Night } from '../night.ts';

const REFUSED: readonly Place[] = ['doctor', 'log'];
const EXECUTOR = 'CODA_EXECUTOR_FACTORY';

/** Another executor than the good one, or none, which is then refused. Sets how this is repaired. */
function executor(night: Night, factory: string | undefined): void {
  const { env } = night.node;
  const good = env[EXECUTOR] ?? '';
  if (factory === undefined) delete env[EXECUTOR];
  else env[EXECUTOR] = factory;
  env['CODA_REQUIRE_EXECUTOR'] = '1';
  night.repair = () => void (env[EXECUTOR] = good);
}

/** Only a file names the executor. Repaired by a variable that names a good one. */
function onlySaidIn(night: Night, file: string, text: string): void {
  executor(night, undefined);
  night.write(file, text);
}

const repair = (night: Night): unknown => night.repair();

export const CONFIG_FAULTS: readonly Fault[] = [
  {
    name: 'quotes in a variable of the environment',
    node: 'refuses',
    inject({ node }) {
      node.env['CODA_STATE_DIR'] = `"${node.stateDir}"`;
    },
    heal: ({ node }) => void (node.env['CODA_STATE_DIR'] = node.stateDir),
    cause: /CODA_STATE_DIR[^\n]*quot/i,
    remedy: /quot/i,
    where: REFUSED,
  },
  {
    name: 'a misspelt setting in the environment',
    node: 'refuses',
    inject: ({ node }) => void (node.env['CODA_PREFETCH'] = '1O'),
    heal: ({ node }) => void delete node.env['CODA_PREFETCH'],
    cause: /CODA_PREFETCH[^\n]*1O/,
    remedy: /integer|number|digits/i,
    where: REFUSED,
  },
  {
    name: 'a misspelt key in the device YAML',
    node: 'refuses',
    inject: (night) => onlySaidIn(night, 'site/device.yaml', 'executorFactory: simulator\n'),
    heal: repair,
    cause: /executorFactory/,
    remedy: /executor_factory/,
    where: REFUSED,
  },
  {
    name: 'a config file of a kind that is not read (coda.config.cts)',
    node: 'refuses',
    inject: (night) => onlySaidIn(night, 'coda.config.cts', "export default { executor: 'simulator' };\n"),
    heal: repair,
    cause: /coda\.config\.cts/,
    remedy: /coda\.config\.ts\b|rename/i,
    where: REFUSED,
  },
  {
    name: 'a config file with a syntax error',
    node: 'refuses',
    inject: (night) => night.write('coda.config.ts', 'export default { oops'),
    heal: (night) => night.remove('coda.config.ts'),
    cause: /coda\.config\.ts/,
    remedy: /coda\.config\.ts[^]*(:\d|line \d|Unexpected|expected)/i,
    where: REFUSED,
  },
  {
    name: 'an executor module that is not there',
    node: 'refuses',
    inject: (night) => executor(night, './fridge.js:createExecutor'),
    heal: repair,
    cause: /fridge\.js/,
    remedy: /path/i,
    where: REFUSED,
  },
  {
    name: 'an executor whose factory throws',
    node: 'refuses',
    inject(night) {
      night.write('fridge.mjs', "export function createExecutor() { throw new Error('no licence'); }\n");
      executor(night, './fridge.mjs:createExecutor');
    },
    heal: repair,
    cause: /fridge\.mjs[^\n]*no licence/,
    remedy: /fridge\.mjs/,
    where: REFUSED,
  },
  {
    name: 'a package with an executor that throws on import',
    node: 'refuses',
    inject(night) {
      executor(night, undefined);
      night.write(
        'node_modules/lab-executor/package.json',
        JSON.stringify({
          name: 'lab-executor',
          type: 'module',
          exports: { './executor-factory': './main.js' },
        }),
      );
      night.write('node_modules/lab-executor/main.js', "\nthrow new Error('no driver');\n");
    },
    heal: repair,
    cause: /lab-executor[^\n]*no driver/,
    remedy: /main\.js:2/,
    where: REFUSED,
  },
  {
    name: 'no executor, where one is required',
    node: 'refuses',
    inject: (night) => executor(night, undefined),
    heal: repair,
    cause: /no executor|without an executor|executor is required/i,
    remedy: /CODA_EXECUTOR_FACTORY|executor in coda\.config/i,
    where: REFUSED,
  },
];
