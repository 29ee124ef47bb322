// Reads the settings from flags and environment variables. The case of a variable's name does not matter (PROTOCOL §9);
// a blank value counts as unset, as users of env files expect.
import { ConfigError, refuseQuotes } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { settingFromText, settingFromValue, type Origin } from './coerce.ts';
import {
  flagOf,
  SETTING_NAMES,
  settingOf,
  type SettingName,
  type SettingSource,
  type SettingValue,
} from './settings.ts';
import { didYouMean } from './suggest.ts';

/** A setting's value and where it was found. */
export interface Sourced {
  readonly value: SettingValue;
  readonly source: SettingSource;
  /** For people: `--port`, `CODA_PORT`, `plugins.health.port in /lab/coda.config.ts`. */
  readonly where: string;
}

/** The settings that one source gives. */
export type Layer = ReadonlyMap<SettingName, Sourced>;

export type Flags = { readonly [K in SettingName]?: string | number | boolean | undefined };

/** Variables with our prefix that belong to the test suite and are no settings. */
const NO_SETTINGS = new Set(['CODA_RUN_E2E', 'CODA_E2E_NODE_TOKEN', 'CODA_RUN_VPN_E2E']);

const VARIABLES = SETTING_NAMES.map((name): string => settingOf(name).env);

/** Reads the flags; throws a ConfigError that names the flag. */
export function readFlags(flags: Flags, cwd: string): Layer {
  const layer = new Map<SettingName, Sourced>();
  for (const name of SETTING_NAMES) {
    const given = flags[name];
    if (given === undefined) continue;
    const where = `--${flagOf(name)}`;
    const value = flagValue(name, given, { where, baseDir: cwd });
    if (value !== undefined) layer.set(name, { value, source: 'flag', where });
  }
  return layer;
}

function flagValue(
  name: SettingName,
  given: string | number | boolean,
  origin: Origin,
): SettingValue | undefined {
  const setting = settingOf(name);
  // The parser of the command line reads an id such as 12345 as a number.
  const isText =
    typeof given === 'string' || (typeof given === 'number' && setting.type.startsWith('string'));
  return isText ? settingFromText(setting, String(given), origin) : settingFromValue(setting, given, origin);
}

/** Reads the variables; throws a ConfigError that names the variable. Unknown `CODA_…` ones become warnings. */
export async function readEnvironment(
  env: NodeJS.ProcessEnv,
  cwd: string,
): Promise<{ layer: Layer; warnings: string[] }> {
  const spellings = variablesOf(env);
  const layer = new Map<SettingName, Sourced>();
  for (const name of SETTING_NAMES) {
    const setting = settingOf(name);
    const found = spellings.get(setting.env);
    if (found === undefined) continue;
    spellings.delete(setting.env);
    const value = settingFromText(setting, found.text, { where: found.variable, baseDir: cwd });
    if (value !== undefined) layer.set(name, { value, source: 'environment', where: found.variable });
  }
  return { layer, warnings: await unknownVariables([...spellings.values()]) };
}

interface Variable {
  /** As it is spelled in the environment. */
  readonly variable: string;
  readonly text: string;
}

/** Every non-blank `CODA_…` variable by its name in capitals. */
function variablesOf(env: NodeJS.ProcessEnv): Map<string, Variable> {
  const found = new Map<string, Variable>();
  for (const [variable, text] of Object.entries(env)) {
    const upper = variable.toUpperCase();
    if (text === undefined || text.trim() === '' || !upper.startsWith('CODA_')) continue;
    if (NO_SETTINGS.has(upper)) continue;
    if (VARIABLES.includes(upper)) refuseQuotes(printable(variable, 100), text);
    const other = found.get(upper);
    if (other !== undefined && other.text !== text && VARIABLES.includes(upper)) {
      throw new ConfigError(`${other.variable} and ${variable} are both set, to different values`, {
        remedy: "Unset one of them: the case of a variable's name does not matter.",
      });
    }
    found.set(upper, { variable, text });
  }
  return found;
}

async function unknownVariables(variables: readonly Variable[]): Promise<string[]> {
  return Promise.all(
    variables.map(async ({ variable }) => {
      const hint = await didYouMean(variable.toUpperCase(), VARIABLES);
      return `${printable(variable, 100)} is no setting of coda-node and is ignored${hint}`;
    }),
  );
}
