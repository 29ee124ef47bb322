// What the Python process gets from the node: the operator's environment without the node's secrets, and the settings
// under the names that drivers know.
import { existsSync } from 'node:fs';
import type { Settings } from '../../src/index.ts';
import { SETTING_NAMES, settingOf } from '../../src/kit.ts';

/** Settings that a driver does not get: who has them can speak for the node. */
const SECRET = SETTING_NAMES.filter((name) => settingOf(name).secret === true);
/** Drivers read it themselves, also if no setting names it. */
const DEVICE_CONFIG = 'site/device.yaml';

export function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const secret = new Set(SECRET.map((name) => settingOf(name).env));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secret.has(name.toUpperCase())));
}

/** `{ qpu_id, num_qubits, … }`: every setting that has a value, but the secret ones. */
export function pythonSettings(settings: Settings, factory: string): Record<string, unknown> {
  const named = SETTING_NAMES.filter((name) => !SECRET.includes(name) && settings[name] !== '').map(
    (name) => [nameOf(settingOf(name).env), settings[name]] as const,
  );
  return {
    ...(existsSync(DEVICE_CONFIG) ? { device_config: DEVICE_CONFIG } : {}),
    ...Object.fromEntries(named),
    executor_factory: factory,
  };
}

function nameOf(variable: string): string {
  return variable.replace(/^CODA_/, '').toLowerCase();
}
