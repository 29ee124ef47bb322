// Types of `validators.js`, which the build generates from schemas.ts (.ci/compile-schemas.mjs).
// One declaration for each entry of SCHEMAS.
import type { IrShape } from './schemas.ts';

export interface ShapeError {
  /** JSON pointer to the value that breaks a rule; empty for the document itself. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A type guard that puts the first broken rule of a refused value into `errors`. */
export interface ShapeValidator<T> {
  (value: unknown): value is T;
  readonly errors?: readonly ShapeError[] | null;
}

export const validateIrShape: ShapeValidator<IrShape>;
