// Starts a complete node in the process of a test: the real kernel and built-in plugins, against a local cloud.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GivenPlugin } from '../config/define.ts';
import type { LoadedConfig, LoadInput } from '../config/load.ts';
import { givenPlugins } from '../config/plugins/load.ts';
import { createLogger, type Logger } from '../log.ts';
import type { Node } from '../node.ts';
import type { Plugin } from '../plugin.ts';
import type { LocalCloud } from '../local-cloud/local-cloud.ts';

export interface TestNodeOptions {
  readonly cloud: Pick<LocalCloud, 'url' | 'issueToken'>;
  /** An executor, a factory, a name such as `simulator`, or a list of that and its options. Default: the no-op executor. */
  readonly executor?: unknown;
  /** Added to the built-in ones; one with options as `[plugin, { … }]`. */
  readonly plugins?: readonly GivenPlugin[];
  /** Environment variables of the node, e.g. `{ CODA_CONCURRENCY: '2' }`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a new one. Give that of an earlier node to start with its credentials. */
  readonly stateDir?: string;
  /** Default: a new token for a new state directory, none for a given one. */
  readonly token?: string;
}

export interface TestNode {
  readonly node: Node;
  readonly stateDir: string;
  /** The log lines of the node so far. */
  readonly log: readonly string[];
  /** Drains and closes the node; removes its state directory unless it was given. */
  stop(): Promise<void>;
}

/** How nodes are configured and put together. Passed in by src/compose.ts, which cannot be imported here: it offers
 *  test nodes to users' modules. */
export interface Composition {
  loadNodeConfig(
    input: Pick<LoadInput, 'env' | 'flags' | 'cwd' | 'log' | 'readState' | 'readConfigFile'>,
  ): Promise<LoadedConfig>;
  composeNode(parts: {
    readonly config: LoadedConfig;
    readonly env: NodeJS.ProcessEnv;
    readonly log: Logger;
    readonly plugins: readonly Plugin[];
  }): Node;
}

/** Starts a node. Throws what its start throws. */
export async function runTestNode(composition: Composition, options: TestNodeOptions): Promise<TestNode> {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'coda-test-node-')));
  const token = options.token ?? (options.stateDir === undefined ? options.cloud.issueToken() : '');
  const lines: string[] = [];
  const log: Logger = createLogger({ level: 'debug', write: (line) => lines.push(line) });
  const removeState = async (): Promise<void> => {
    if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true });
  };
  const env = {
    CODA_WEBAPP_URL: options.cloud.url,
    CODA_HOST: '127.0.0.1',
    CODA_PORT: '0',
    CODA_STATE_DIR: stateDir,
    CODA_NODE_TOKEN: token,
    ...options.env,
  };
  try {
    // Not the working directory, so that no config file of the project is found.
    const loaded = await composition.loadNodeConfig({ env, cwd: stateDir, log });
    const executor =
      options.executor === undefined
        ? loaded.executor
        : { value: options.executor, baseDir: process.cwd(), source: 'the test' };
    const plugins = await givenPlugins(options.plugins ?? [], process.cwd(), log);
    const node = composition.composeNode({ config: { ...loaded, executor }, env, log, plugins });
    await node.start();
    const stop = async (): Promise<void> => {
      await node.stop();
      await removeState();
    };
    return { node, stateDir, log: lines, stop };
  } catch (thrown) {
    await removeState();
    throw thrown;
  }
}
