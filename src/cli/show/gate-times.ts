// The gate times of a device, from its YAML: `gate_times_ns`, a mapping from gates to nanoseconds. Only drawings read it.
import { readFile } from 'node:fs/promises';
import { readYaml, YAML_REMEDY } from '../../config/yaml.ts';
import { TIMED_GATES, type GateTimes, type TimedGate } from '../../drawing/figures.ts';
import { ConfigError, messageOf } from '../../errors.ts';
import { isRecord, kindOf, printable, shown } from '../../protocol/text.ts';

export interface KnownTimes {
  readonly times: GateTimes;
  readonly path: string;
  /** What is not used, one sentence each. */
  readonly warnings: readonly string[];
}

const KEY = 'gate_times_ns';
const LONGEST_KEY = 40;

/**
 * Undefined if the file has none. A file that is not there, or is broken, has none either, since the start of a node says
 * so; but if it was named for this (`isNamed`), that is a ConfigError.
 */
export async function readGateTimes(path: string, isNamed: boolean): Promise<KnownTimes | undefined> {
  const refuse = (what: string, details: { cause?: unknown; remedy?: string } = {}): undefined => {
    if (isNamed) throw new ConfigError(`the device config ${path} ${what}`, details);
  };
  if (path === '') return undefined;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    return refuse(`cannot be read: ${messageOf(cause)}`, { cause });
  }
  const { content, fault } = await readYaml(text);
  if (fault !== undefined) {
    return refuse(`is not valid YAML${fault.position}: ${fault.message}`, { remedy: YAML_REMEDY });
  }
  const given = isRecord(content) ? content[KEY] : undefined;
  if (given === undefined) return refuse(`has no ${KEY}`);
  if (!isRecord(given))
    return { times: {}, path, warnings: [`${KEY} in ${path} is ${kindOf(given)}, not a mapping`] };
  return timesOf(given, path);
}

function timesOf(given: Readonly<Record<string, unknown>>, path: string): KnownTimes {
  const times: Partial<Record<TimedGate, number>> = {};
  const warnings: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    const gate = TIMED_GATES.find((name) => name === key);
    const where = `${printable(key, LONGEST_KEY)} of ${KEY} in ${path}`;
    if (gate === undefined) warnings.push(`${where} is not used; the names are ${TIMED_GATES.join(', ')}`);
    else if (typeof value === 'number' && Number.isFinite(value) && value >= 0) times[gate] = value;
    else warnings.push(`${where} is not used: it must be nanoseconds, 0 or more, and is ${shown(value)}`);
  }
  return { times, path, warnings };
}
