// The executor that the device YAML names, in its top-level key `executor_factory` (PROTOCOL §11).
import { baseDirsOf, kindOf, readDevice, type ExecutorChoice, type ModuleLoader } from '../../src/kit.ts';

const KEY = 'executor_factory';

/** Undefined if it names none, or if the default file is not there. Throws a ConfigError with file and line for a file that
 *  cannot be read or is broken. */
export async function deviceChoice(
  modules: Pick<ModuleLoader, 'check'>,
  configured: string,
  cwd: string,
): Promise<ExecutorChoice | undefined> {
  const device = await readDevice(configured, cwd);
  const value = device?.content[KEY];
  if (device === undefined || value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value.trim() === '') {
    const got = value === '' ? 'empty' : kindOf(value);
    throw device.errorAt([KEY], `must be \`module:attribute\`, but is ${got}`);
  }
  modules.check(device.path, 'the device config');
  const [baseDir = '', linkedDir = baseDir] = baseDirsOf(device.path);
  return { value, baseDir, linkedDir, source: device.path };
}
