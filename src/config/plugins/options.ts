// Checks the options of a plugin against the JSON schema that it declares, and fills in the defaults. What is wrong with the
// options is the user's fault, and reads like all else about a config file; what is wrong with the schema is the plugin's.
import { Ajv, type SchemaObject, type ValidateFunction } from 'ajv';
import { messageOf, PluginError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { isPlainObject, isRecord } from '../../protocol/text.ts';
import { isUrl } from '../../protocol/urls.ts';
import { pathFrom } from '../coerce.ts';
import { faultTexts, pathOf, type SchemaFault } from './fault-text.ts';
import { whereOf, type Place } from './place.ts';
import type { OptionsSchema } from './schema-types.ts';

/** Keywords with other schemas in them. */
const ONE_SCHEMA = new Set(['additionalItems', 'additionalProperties', 'contains', 'propertyNames']);
const ONE_IN_PLACE = new Set(['not', 'if', 'then', 'else']);
const LIST_IN_PLACE = new Set(['allOf', 'anyOf', 'oneOf']);
const BY_NAME = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependencies']);
/** With one of these, `properties` need not be all keys. */
const OPENS = [
  'additionalProperties',
  'patternProperties',
  'dependencies',
  '$ref',
  ...ONE_IN_PLACE,
  ...LIST_IN_PLACE,
];

/** Our own keywords, which `prepared` puts into a schema. */
const PATH = 'x-coda-path';
const SECRET = 'x-coda-secret';

export interface OptionsCheck {
  readonly plugin: string;
  readonly place: Place;
  /** The folder at which relative paths start. */
  readonly baseDir: string;
  /** The file that the plugin comes from. */
  readonly path: string;
  readonly log?: Pick<Logger, 'mask'> | undefined;
  readonly faults: string[];
}

/** A copy of `given` with the defaults of `schema`; its faults go into `faults`. Throws a PluginError for a broken schema. */
export async function checkOptions(
  schema: OptionsSchema,
  given: Readonly<Record<string, unknown>>,
  check: OptionsCheck,
): Promise<Readonly<Record<string, unknown>>> {
  const secrets: string[] = [];
  const validate = compiled(schema, check, secrets);
  const options = copied(given);
  if (validate(options)) return options;
  const errors: readonly SchemaFault[] = validate.errors ?? [];
  const found = errors.map((error) => ({
    ...error,
    isSecret: secrets.some((path) => `${error.instancePath}/`.startsWith(`${path}/`)),
  }));
  const own = found.filter(({ instancePath }) => !isGiven(given, instancePath));
  if (own.length > 0) {
    const { plugin, place } = check;
    throw brokenSchema(
      check,
      `a default is not allowed by it: ${(await faultTexts(own, place, plugin)).join('; ')}`,
    );
  }
  check.faults.push(...(await faultTexts(found, check.place, check.plugin)));
  return options;
}

/** Puts the places of secrets into `secrets`, as they are found: a rule elsewhere in the schema may say that one is. */
function compiled(schema: OptionsSchema, check: OptionsCheck, secrets: string[]): ValidateFunction {
  const { baseDir, log } = check;
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    useDefaults: true,
    strictTypes: false,
    strictTuples: false,
    logger: false,
    formats: {
      uri: (text) => isUrl(text, ['http:', 'https:']),
      path: (text) => text !== '' && !text.includes('\0'),
    },
  });
  ajv.addKeyword({
    keyword: PATH,
    type: 'string',
    errors: false,
    modifying: true,
    validate: (_on: unknown, text: string, _schema: unknown, at?: Parent) => {
      if (at !== undefined) at.parentData[at.parentDataProperty] = pathFrom(baseDir, text);
      return true;
    },
  });
  ajv.addKeyword({
    keyword: SECRET,
    errors: false,
    validate: (_on: unknown, value: unknown, _schema: unknown, at?: Parent) => {
      if (at !== undefined) secrets.push(at.instancePath);
      for (const text of textsIn(value)) log?.mask(text);
      return true;
    },
  });
  try {
    return ajv.compile(prepared(schema) as SchemaObject);
  } catch (cause) {
    throw brokenSchema(check, messageOf(cause).replaceAll(/\bdata\b(?=[/ ])/g, 'options'), cause);
  }
}

interface Parent {
  readonly instancePath: string;
  readonly parentData: Record<string | number, unknown>;
  readonly parentDataProperty: string | number;
}

function brokenSchema({ plugin, place, path }: OptionsCheck, what: string, cause?: unknown): PluginError {
  return new PluginError(
    `the schema of the options of plugin '${plugin}' (${whereOf(place)}) is broken: ${what}`,
    {
      plugin,
      cause,
      remedy: `This is a fault of the plugin, not of the config file. It comes from ${path}.`,
    },
  );
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isPlainObject(value) ? Object.values(value).flatMap(textsIn) : [];
}

/** A copy of the schema in which objects have no keys but those in `properties`, unless it says otherwise. */
function prepared(schema: unknown, { isInPlace = false } = {}): unknown {
  if (!isRecord(schema)) return schema;
  const inner = {};
  const inPlace = { isInPlace: true };
  const list = (value: unknown, how: object): unknown =>
    Array.isArray(value) ? value.map((one) => prepared(one, how)) : prepared(value, how);
  const copy = Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (ONE_SCHEMA.has(keyword)) return [keyword, prepared(value, inner)];
      if (keyword === 'items') return [keyword, list(value, inner)];
      if (ONE_IN_PLACE.has(keyword) || LIST_IN_PLACE.has(keyword)) return [keyword, list(value, inPlace)];
      if (!BY_NAME.has(keyword) || !isRecord(value)) return [keyword, value];
      const how = keyword === 'dependencies' ? inPlace : inner;
      return [
        keyword,
        Object.fromEntries(Object.entries(value).map(([name, one]) => [name, prepared(one, how)])),
      ];
    }),
  );
  const isClosed =
    !isInPlace && isRecord(schema['properties']) && OPENS.every((keyword) => !(keyword in schema));
  return {
    ...copy,
    ...(isClosed ? { additionalProperties: false } : {}),
    ...(schema['format'] === 'path' ? { [PATH]: true } : {}),
    ...(schema['writeOnly'] === true ? { [SECRET]: true } : {}),
  };
}

/** Lists and plain objects are copied, since defaults are filled in; what is undefined is not given. */
function copied(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    return isPlainObject(value) ? copied(value) : value;
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, copy(value)]])),
  );
}

/** Whether there is a value at that place in what the user has written. */
function isGiven(given: unknown, instancePath: string): boolean {
  let value = given;
  for (const key of pathOf(instancePath)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
    value = Reflect.get(value, key);
  }
  return value !== undefined;
}
