// Merges all sources into the effective settings: flags > environment > config file > persisted state > defaults
// (PROTOCOL §9). Each value keeps the name of the place it comes from.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ExecutorChoice } from '../device/executor.ts';
import type { Logger } from '../log.ts';
import type { Plugin } from '../plugin.ts';
import { readEnvironment, readFlags, type Flags, type Layer, type Sourced } from './environment.ts';
import { loadConfigFile } from './config-file.ts';
import { deviceWarnings } from './device-file.ts';
import { readContent, type FileContent } from './file-content.ts';
import { baseDirsOf, type ModuleLoader } from './modules.ts';
import { PluginFiles } from './plugins/files.ts';
import { builtinNames, type Entry } from './plugins/entries.ts';
import { loadPlugins } from './plugins/load.ts';
import { secretsOf } from './secrets.ts';
import {
  SETTING_NAMES,
  SETTINGS,
  settingOf,
  type SettingName,
  type Settings,
  type SettingSource,
} from './settings.ts';
import { statedDirectory } from './stated-directory.ts';
import { readState, type PersistedState } from './persisted.ts';
import { trustedOwners } from '../state/trust.ts';
import { stateConfigPath, stateKeyPath, vpnProfilePath } from '../state/layout.ts';

export interface LoadInput {
  readonly flags?: Flags;
  readonly env: NodeJS.ProcessEnv;
  /** Absolute; the folder of the config file, and the base of relative paths in flags and variables. */
  readonly cwd: string;
  /** `--config`: load this file and do not search. */
  readonly configPath?: string | undefined;
  /** The names that mean a built-in plugin. */
  readonly builtinPlugins: readonly string[];
  /** Loads a config file in code, and third-party plugins; of the users that are trusted by the settings. */
  readonly modules: ModuleLoader;
  /** Receives the secrets to mask. Warnings are returned, not logged. */
  readonly log?: Pick<Logger, 'mask'>;
  /** False: the state directory is not read, so that a command that clears a broken one works. */
  readonly readState?: boolean;
  /** False: no config file is read, so that a command works beside a broken one. */
  readonly readConfigFile?: boolean;
  /** False: third-party plugins are not loaded, for commands that run none. */
  readonly loadPlugins?: boolean;
}

export interface LoadedConfig {
  readonly settings: Settings;
  readonly sources: Readonly<Record<SettingName, ValueOrigin>>;
  /** The config file in use. */
  readonly configFile: string | undefined;
  readonly executor: ExecutorChoice | undefined;
  readonly plugins: {
    /** Built-ins that are switched off. */
    readonly disabled: ReadonlySet<string>;
    /** Plugins of third parties, in the order of the config file. */
    readonly extra: readonly Plugin[];
    /** The modules that they come from. */
    readonly files: PluginFiles;
  };
  /** Credentials of an earlier start; present also when a token is given. */
  readonly state: PersistedState | undefined;
  /** For the user, one sentence each. */
  readonly warnings: readonly string[];
}

export interface ValueOrigin {
  readonly source: SettingSource;
  /** For people: `--port`, `CODA_PORT`, `qpu_id in /tmp/coda.config`, `default`. */
  readonly where: string;
}

/** Loads the configuration. Throws a ConfigError that names the variable, flag, file or path at fault (PROTOCOL §9). */
export async function loadConfig(input: LoadInput): Promise<LoadedConfig> {
  const { env, cwd } = input;
  const builtins = builtinNames(input.builtinPlugins);
  const flags = readFlags(input.flags ?? {}, cwd);
  const environment = await readEnvironment(env, cwd);
  const named = textOf('trustedOwners', [flags, environment.layer]);
  const modules = input.modules.trusting(trustedOwners(named, env));
  const { file, warnings } =
    input.readConfigFile === false
      ? { file: undefined, warnings: [] }
      : await loadConfigFile(modules, cwd, input.configPath);
  const fromFile = await contentOf(file, builtins);
  const layers: Layer[] = [flags, environment.layer, fromFile.settings];

  const stateDir = textOf('stateDir', layers);
  const state = input.readState === false ? undefined : readState(stateDir);
  // A token re-provisions the node; of the saved state only the fingerprint is kept (PROTOCOL §1).
  const hasToken = textOf('nodeToken', layers) !== '';
  if (state !== undefined) layers.push(persistedLayer(state, stateDir, hasToken));
  layers.push(defaultLayer(cwd, stateDir));

  const merged = merge(layers);
  const settings = Object.fromEntries(
    [...merged].map(([name, { value }]) => [name, value]),
  ) as unknown as Settings;
  for (const secret of secretsOf(settings, state)) input.log?.mask(secret);
  const extra =
    file === undefined || input.loadPlugins === false
      ? []
      : await loadPlugins(fromFile.entries, {
          modules,
          baseDirs: baseDirsOf(file.path),
          builtins,
          log: input.log,
        });
  return {
    settings,
    sources: sourcesOf(merged),
    configFile: file?.path,
    executor: chosenExecutor(layers, fromFile.executor, cwd),
    plugins: {
      disabled: disabledOf(fromFile.entries),
      extra: extra.map(({ plugin }) => plugin),
      files: new PluginFiles(extra),
    },
    state,
    warnings: [
      ...environment.warnings,
      ...warnings,
      ...(input.readConfigFile === false ? [] : await deviceWarnings(settings.deviceConfig)),
      ...(await unstated(input, strongest('stateDir', layers)?.source, stateDir)),
    ],
  };
}

/** The operator's commands run no config file, so they must find there in plain text what its code says. */
async function unstated(
  { cwd, configPath, readConfigFile }: LoadInput,
  source: SettingSource | undefined,
  stateDir: string,
): Promise<string[]> {
  if (readConfigFile === false || source === 'flag' || source === 'environment') return [];
  const stated = (await statedDirectory(cwd, configPath)) ?? SETTINGS.stateDir.default;
  if (stated === stateDir) return [];
  return [
    `the state directory ${stateDir} is not in the config file in plain text, and coda stop, status and the like do not ` +
      `run that file: they need CODA_STATE_DIR=${stateDir}`,
  ];
}

async function contentOf(
  file: { path: string; config: unknown } | undefined,
  builtins: readonly string[],
): Promise<FileContent> {
  if (file === undefined) return { settings: new Map(), executor: undefined, entries: [] };
  return readContent(file, builtins);
}

function persistedLayer(state: PersistedState, stateDir: string, hasToken: boolean): Layer {
  const layer = new Map<SettingName, Sourced>();
  const { jwtPrivateKey, ...persisted } = state;
  for (const name of SETTING_NAMES) {
    const value = name in persisted ? persisted[name as keyof typeof persisted] : undefined;
    if (value === undefined || (hasToken && name !== 'nodeMachineFingerprint')) continue;
    const where = `${settingOf(name).persisted} in ${stateConfigPath(stateDir)}`;
    layer.set(name, { value, source: 'persisted state', where });
  }
  if (!hasToken) {
    const where = stateKeyPath(stateDir);
    layer.set('jwtPrivateKey', { value: jwtPrivateKey, source: 'persisted state', where });
  }
  return layer;
}

function defaultLayer(cwd: string, stateDir: string): Layer {
  const source = 'default';
  const layer = new Map<SettingName, Sourced>(
    SETTING_NAMES.map((name) => [name, { value: settingOf(name).default, source, where: 'default' }]),
  );
  const profile = vpnProfilePath(stateDir);
  layer.set('nodeVpnProfilePath', { value: profile, source, where: 'default' });
  const device = resolve(cwd, 'site', 'device.yaml');
  if (existsSync(device)) layer.set('deviceConfig', { value: device, source, where: './site/device.yaml' });
  return layer;
}

function strongest(name: SettingName, layers: readonly Layer[]): Sourced | undefined {
  return layers.find((layer) => layer.has(name))?.get(name);
}

function textOf(name: 'stateDir' | 'nodeToken' | 'trustedOwners', layers: readonly Layer[]): string {
  const value = strongest(name, layers)?.value;
  return typeof value === 'string' ? value : SETTINGS[name].default;
}

function merge(layers: readonly Layer[]): Map<SettingName, Sourced> {
  const merged = new Map<SettingName, Sourced>();
  for (const layer of layers.toReversed()) for (const [name, found] of layer) merged.set(name, found);
  return merged;
}

function sourcesOf(merged: Layer): Readonly<Record<SettingName, ValueOrigin>> {
  const entries = [...merged].map(([name, { source, where }]) => [name, { source, where }]);
  return Object.fromEntries(entries) as Record<SettingName, ValueOrigin>;
}

/** A flag or variable wins over the config file, in which the executor may also be code. */
function chosenExecutor(
  layers: readonly Layer[],
  fromFile: ExecutorChoice | undefined,
  cwd: string,
): ExecutorChoice | undefined {
  const named = strongest('executorFactory', layers);
  const isOutside = named?.source === 'flag' || named?.source === 'environment';
  if (isOutside) return { value: named.value, baseDir: cwd, source: named.where };
  return fromFile;
}

function disabledOf(entries: readonly Entry[]): ReadonlySet<string> {
  const disabled = entries.flatMap((entry) =>
    entry.kind === 'builtin' && !entry.enabled ? [entry.name] : [],
  );
  return new Set(disabled);
}
