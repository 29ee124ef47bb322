// Types of `validators.js`, which the build generates from the schemas in schema.ts (.ci/compile-schemas.mjs).

/** One rule that a value breaks. */
export interface Fault {
  /** JSON pointer to the value; empty for the document itself. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The value that breaks the rule. */
  readonly data: unknown;
}

/** Puts all faults of a refused value into `errors`. */
export interface LevelValidator {
  (value: unknown): boolean;
  readonly errors?: readonly Fault[] | null;
}

/** By the prefix of the level, as in schema.ts. */
export const levels: Readonly<Record<string, LevelValidator | undefined>>;
