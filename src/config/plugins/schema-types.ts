// What a plugin's author writes as `options`, a JSON schema of draft 07, and the TypeScript types of the options that it
// means. As in the check (options.ts), an object has only the keys in `properties`, unless its schema says otherwise.

type TypeName = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'null';

/** A JSON schema. */
export interface JsonSchema {
  readonly type?: TypeName | readonly TypeName[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  /** Filled in if the option is not given. */
  readonly default?: unknown;
  readonly title?: string;
  readonly description?: string;
  readonly examples?: readonly unknown[];
  /** A secret: shown in no error, and hidden in the log. */
  readonly writeOnly?: boolean;
  readonly readOnly?: boolean;

  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;

  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** `uri`: a URL of http or https. `path`: a path, made absolute from the folder of the config file. */
  readonly format?: 'uri' | 'path';

  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly additionalItems?: boolean | JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly contains?: JsonSchema;

  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly propertyNames?: JsonSchema;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly dependencies?: Readonly<Record<string, JsonSchema | readonly string[]>>;

  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly if?: JsonSchema;
  readonly then?: JsonSchema;
  readonly else?: JsonSchema;

  readonly $ref?: string;
  readonly $id?: string;
  readonly $schema?: string;
  readonly $comment?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

/** The schema of a plugin's options. */
export type OptionsSchema = JsonSchema & { readonly type: 'object' };

/** As users write options, or as the plugin gets them, with the defaults filled in. */
type Form = 'given' | 'filled';

/** The options as a plugin with this schema gets them. */
export type FilledOptions<S> = ValueOf<S, 'filled'>;

/** The options as users of a plugin with this schema write them. */
export type GivenOptions<S> = ValueOf<S, 'given'>;

type ValueOf<S, F extends Form> = S extends { readonly const: infer Value }
  ? Value
  : S extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : S extends { readonly type: infer Type }
      ? OfType<S, Type extends readonly (infer One)[] ? One : Type, F>
      : S extends { readonly anyOf: readonly (infer Branch)[] }
        ? ValueOf<Branch, F>
        : S extends { readonly oneOf: readonly (infer Branch)[] }
          ? ValueOf<Branch, F>
          : unknown;

type OfType<S, Type, F extends Form> = Type extends 'string'
  ? string
  : Type extends 'number' | 'integer'
    ? number
    : Type extends 'boolean'
      ? boolean
      : Type extends 'null'
        ? null
        : Type extends 'array'
          ? ListOf<S, F>
          : Type extends 'object'
            ? ObjectOf<S, F>
            : unknown;

type ListOf<S, F extends Form> = S extends { readonly items: infer Items }
  ? readonly ValueOf<Items extends readonly (infer Item)[] ? Item : Items, F>[]
  : readonly unknown[];

type ObjectOf<S, F extends Form> = S extends { readonly properties: infer P }
  ? // One object type, as errors and editors show it best.
    KeysOf<P, AlwaysThere<S, P, F> & keyof P, F> extends infer Keys
    ? { [K in keyof Keys]: Keys[K] } & OtherKeys<S>
    : never
  : S extends { readonly additionalProperties: infer Value extends object }
    ? Readonly<Record<string, ValueOf<Value, F>>>
    : Readonly<Record<string, unknown>>;

type KeysOf<P, Always extends keyof P, F extends Form> = {
  readonly [K in Always]: ValueOf<P[K], F>;
} & {
  // `undefined` is what `process.env.X` gives for a variable that is not set.
  readonly [K in Exclude<keyof P, Always>]?: ValueOf<P[K], F> | (F extends 'given' ? undefined : never);
};

type AlwaysThere<S, P, F extends Form> = F extends 'filled'
  ? RequiredKeys<S> | DefaultedKeys<P>
  : Exclude<RequiredKeys<S>, DefaultedKeys<P>>;

type RequiredKeys<S> = S extends { readonly required: readonly (infer Key)[] } ? Key : never;

type DefaultedKeys<P> = { [K in keyof P]: P[K] extends { readonly default: unknown } ? K : never }[keyof P];

type OtherKeys<S> = S extends
  { readonly additionalProperties: true | object } | { readonly patternProperties: object }
  ? Readonly<Record<string, unknown>>
  : unknown;
