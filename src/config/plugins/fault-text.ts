// What is wrong with the options of a plugin, in the words of all other faults of a config file: the place, the value unless
// it is secret, what is allowed, and the name that may have been meant.
import { isRecord, kindOf, printable } from '../../protocol/text.ts';
import { ALLOWED_TEXT, shownValue } from '../coerce.ts';
import { didYouMean } from '../suggest.ts';
import type { Place } from './place.ts';

/** One rule that a value breaks, as Ajv tells it. */
export interface SchemaFault {
  /** JSON pointer to the value; empty for the options themselves. */
  readonly instancePath: string;
  /** JSON pointer to the rule. */
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
  /** The value. */
  readonly data?: unknown;
  /** Whether the value is a secret, or is in one. */
  readonly isSecret?: boolean;
  /** The schema that has the rule. */
  readonly parentSchema?: Readonly<Record<string, unknown>>;
}

/** Rules that `allowedText` puts into words. */
const IN_WORDS = new Set([
  ...['type', 'enum', 'const', 'format', 'pattern', 'minLength', 'maxLength', 'minItems', 'maxItems'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'uniqueItems'],
]);
const MOST_SHOWN = 60;

/** One line for each fault. */
export async function faultTexts(
  found: readonly SchemaFault[],
  { position, file }: Place,
  plugin: string,
): Promise<string[]> {
  const at = (path: readonly string[]): string =>
    `${position}${asCode(path)} in ${file} (plugin '${plugin}')`;
  const texts = await Promise.all(withoutBranches(found).map((fault) => faultText(fault, at)));
  return [...new Set(texts)];
}

/** The keys of a JSON pointer. */
export function pathOf(instancePath: string): string[] {
  return instancePath
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function asCode(path: readonly string[]): string {
  return path
    .map((key) => {
      if (/^\d+$/.test(key)) return `[${key}]`;
      return /^[\w$]{1,60}$/.test(key) ? `.${key}` : `[${JSON.stringify(printable(key, MOST_SHOWN))}]`;
    })
    .join('');
}

/** Of alternatives, the whole is told, if that says something; otherwise what each branch says. */
function withoutBranches(found: readonly SchemaFault[]): readonly SchemaFault[] {
  const left = new Set(found);
  for (const whole of found) {
    // The rule behind it tells more.
    if (whole.keyword === 'if') left.delete(whole);
    if (whole.keyword !== 'anyOf' && whole.keyword !== 'oneOf') continue;
    const branches = found.filter(({ schemaPath }) => schemaPath.startsWith(`${whole.schemaPath}/`));
    if (branches.length === 0) continue;
    const isTold = typeof whole.data !== 'object' && alternativesText(whole.parentSchema) !== undefined;
    if (isTold || Array.isArray(whole.params['passingSchemas'])) {
      for (const branch of branches) left.delete(branch);
      continue;
    }
    left.delete(whole);
    // Of an object, what is wrong in it; that it could have been a number does not help.
    const isOfOtherType = (fault: SchemaFault): boolean =>
      fault.keyword === 'type' && fault.instancePath === whole.instancePath;
    if (!branches.every(isOfOtherType)) {
      for (const branch of branches.filter(isOfOtherType)) left.delete(branch);
    }
  }
  return [...left];
}

async function faultText(fault: SchemaFault, at: (path: readonly string[]) => string): Promise<string> {
  const { keyword, params, data, parentSchema: schema = {}, message = 'is not allowed' } = fault;
  const path = pathOf(fault.instancePath);
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  if (keyword === 'additionalProperties') {
    return unknownKey(path, String(params['additionalProperty']), Object.keys(properties), at);
  }
  if (keyword === 'required') {
    const missing = String(params['missingProperty']);
    const allowed = allowedText(properties[missing]);
    return `${at([...path, missing])} is missing${allowed === undefined ? '' : `, and must be ${allowed}`}`;
  }
  const allowed = allowedBy(fault);
  if (allowed === undefined) return `${at(path)} ${message}`;
  const got = fault.isSecret === true ? `holds ${kindOf(data)} (not shown)` : `is ${shownValue(data)}`;
  return `${at(path)} ${got}, but must be ${allowed}`;
}

async function unknownKey(
  path: readonly string[],
  key: string,
  known: readonly string[],
  at: (path: readonly string[]) => string,
): Promise<string> {
  const hint = await didYouMean(key, known);
  // A mistake in the syntax can turn a secret into a key, so only what looks like an option is quoted.
  const isName = hint !== '' || /^[\w$]{1,60}$/.test(key);
  const what = isName
    ? at([...path, key])
    : `a key (not shown, since it does not look like a name) of ${at(path)}`;
  if (known.length === 0) return `${what} is unknown: there are no options`;
  return `${what} is unknown${hint || `; known are ${known.join(', ')}`}`;
}

/** What would be allowed in place of the value; undefined if the rule tells more. */
function allowedBy({ keyword, params, parentSchema }: SchemaFault): string | undefined {
  if (keyword === 'anyOf' || keyword === 'oneOf') {
    return Array.isArray(params['passingSchemas']) ? undefined : alternativesText(parentSchema);
  }
  return IN_WORDS.has(keyword) ? allowedText(parentSchema) : undefined;
}

function alternativesText(schema: Readonly<Record<string, unknown>> = {}): string | undefined {
  const branches: unknown = schema['anyOf'] ?? schema['oneOf'];
  if (!Array.isArray(branches)) return undefined;
  const texts = branches.map(allowedText);
  return texts.every((text) => text !== undefined) ? [...new Set(texts)].join(', or ') : undefined;
}

/** What a schema allows, to follow "must be"; undefined if it cannot be said shortly. */
function allowedText(schema: unknown): string | undefined {
  if (!isRecord(schema)) return undefined;
  if ('const' in schema) return asJson(schema['const']);
  if (Array.isArray(schema['enum'])) return `one of ${schema['enum'].map(asJson).join(', ')}`;
  const types = [schema['type']].flat().filter((type) => typeof type === 'string');
  return types.length > 0
    ? types.map((type) => typeText(type, schema)).join(' or ')
    : alternativesText(schema);
}

function typeText(type: string, schema: Readonly<Record<string, unknown>>): string {
  switch (type) {
    case 'integer':
      return `a whole number${rangeText(schema)}`;
    case 'number':
      return `a number${rangeText(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return stringText(schema);
    case 'array':
      return `a list${sizeText(schema['minItems'], schema['maxItems'], 'items')}${schema['uniqueItems'] === true ? ', each different' : ''}`;
    case 'object':
      return 'an object';
    default:
      return type;
  }
}

function stringText({ format, minLength, maxLength, pattern }: Readonly<Record<string, unknown>>): string {
  if (format === 'uri') return ALLOWED_TEXT.url;
  if (format === 'path') return ALLOWED_TEXT.path;
  const matching = typeof pattern === 'string' ? ` that matches /${pattern}/` : '';
  return `a string${sizeText(minLength, maxLength, 'characters')}${matching}`;
}

function sizeText(least: unknown, most: unknown, of: string): string {
  if (typeof least === 'number' && typeof most === 'number') return ` of ${least} to ${most} ${of}`;
  if (typeof least === 'number') return ` of ${least} or more ${of}`;
  return typeof most === 'number' ? ` of at most ${most} ${of}` : '';
}

function rangeText(schema: Readonly<Record<string, unknown>>): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const parts =
    typeof minimum === 'number' && typeof maximum === 'number'
      ? [` from ${minimum} to ${maximum}`]
      : [
          ...(typeof minimum === 'number' ? [`, ${minimum} or more`] : []),
          ...(typeof maximum === 'number' ? [`, ${maximum} or less`] : []),
        ];
  if (typeof exclusiveMinimum === 'number') parts.push(`, more than ${exclusiveMinimum}`);
  if (typeof exclusiveMaximum === 'number') parts.push(`, less than ${exclusiveMaximum}`);
  if (typeof multipleOf === 'number') parts.push(`, a multiple of ${multipleOf}`);
  return parts.join('');
}

function asJson(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
