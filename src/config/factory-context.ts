// What the factory of an executor is given beside the settings: a log, and the device YAML.
import type { ExecutorContext } from '../device/executor.ts';
import { ConfigError, messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { keysText, readDevice, type DeviceFile } from './device-file.ts';
import type { ModuleLoader } from './modules.ts';

/** Never rejects: a device YAML that cannot be used fails the factory that asks for it. */
export async function factoryContext(
  modules: Pick<ModuleLoader, 'check'>,
  configured: string,
  log: Logger,
): Promise<ExecutorContext> {
  let device: DeviceFile | undefined;
  let fault: Error | undefined;
  try {
    device = await readDevice(configured, process.cwd());
    if (device !== undefined) modules.check(device.path, 'the device config');
  } catch (thrown) {
    fault = thrown instanceof Error ? thrown : new ConfigError(messageOf(thrown));
  }
  return {
    log: log.child('executor'),
    options: {},
    get device() {
      if (fault !== undefined) throw fault;
      return device?.content;
    },
    deviceError: (keys, problem) =>
      device?.errorAt(keys, problem) ??
      new ConfigError(`${keysText(keys)} ${problem}, and there is no device config`, {
        remedy: 'Write site/device.yaml, or set deviceConfig (CODA_DEVICE_CONFIG).',
      }),
  };
}
