// What is known of the device without running a config file: its native gates and its YAML, for circuits that are drawn or
// converted for it.
import { ConfigError } from '../errors.ts';
import { SETTINGS, type Settings } from '../config/settings.ts';
import { TARGETS, type Target } from '../protocol/ir.ts';
import { printable } from '../protocol/text.ts';
import { parseCircuit, type CircuitFile, type CircuitText, type Translation } from '../qasm/read-circuit.ts';

type DeviceFacts = Pick<Settings, 'nativeGateSet' | 'deviceConfig'>;

/** From the environment and the last connect; what is wrong there does not matter here. */
export async function deviceFacts(): Promise<DeviceFacts> {
  const { operatorSettings } = await import('./local-node/settings.ts');
  return operatorSettings(undefined).catch(() => ({
    nativeGateSet: SETTINGS.nativeGateSet.default,
    deviceConfig: SETTINGS.deviceConfig.default,
  }));
}

/** Throws a ConfigError for a gate set that is no target of NativeGateIR. */
export function targetOf(nativeGateSet: string): Target {
  const target = TARGETS.find((known) => known === nativeGateSet);
  if (target !== undefined) return target;
  throw new ConfigError(`the device's native gate set is '${printable(nativeGateSet, 40)}'`, {
    remedy: `OpenQASM can be read for ${TARGETS.join(', ')}: name one with --target.`,
  });
}

/**
 * Parses a circuit. OpenQASM without a target stays as it is if all its gates belong to one target alone; else it is
 * translated for the device, if it may be.
 */
export async function readForDevice(
  source: CircuitText,
  { target, compile }: Translation,
): Promise<CircuitFile> {
  if (source.format === 'json' || target !== undefined) return parseCircuit(source, { target, compile });
  const { QasmError } = await import('../qasm/index.ts');
  try {
    return await parseCircuit(source, { compile: false });
  } catch (thrown) {
    if (!compile || !(thrown instanceof QasmError)) throw thrown;
    return parseCircuit(source, { target: targetOf((await deviceFacts()).nativeGateSet), compile });
  }
}
