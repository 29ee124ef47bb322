// What the Python process gets from the node: the operator's environment without the node's secrets, and the settings
// under the names that drivers know.
import type { Settings } from '../../src/index.ts';
import { SETTING_NAMES, settingOf } from '../../src/kit.ts';

/** Settings that a driver does not get: who has them can speak for the node. */
const SECRET = SETTING_NAMES.filter((name) => settingOf(name).secret === true);

export function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const secret = new Set(SECRET.map((name) => settingOf(name).env));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secret.has(name.toUpperCase())));
}

/** `{ qpu_id, num_qubits, … }`: every setting but the secret ones. */
export function pythonSettings(settings: Settings): Record<string, unknown> {
  return Object.fromEntries(
    SETTING_NAMES.filter((name) => !SECRET.includes(name)).map((name) => [
      settingOf(name)
        .env.replace(/^CODA_/, '')
        .toLowerCase(),
      settings[name],
    ]),
  );
}
