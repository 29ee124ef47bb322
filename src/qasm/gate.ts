// What a gate is to the reader, and what a statement is once its names are resolved.
import type { GateName } from '../protocol/ir.ts';
import type { Expression } from './expression.ts';
import type { Turn } from './turn.ts';

/** How many gates may be inside one another. */
export const DEEPEST_GATE = 200;

export interface GateDefinition {
  readonly name: string;
  readonly params: number;
  readonly qubits: number;
  /** The native gate that it is, where the target has that one. */
  readonly native?: GateName;
  readonly body: GateBody;
  /** How many gates are inside one another in it. */
  readonly depth: number;
}

export type GateBody =
  /** A unitary of the last qubit; the others control it, those in `negative` by a 0. */
  | {
      readonly kind: 'turn';
      readonly controls: number;
      readonly negative?: readonly number[];
      readonly turn: (...params: readonly number[]) => Turn;
    }
  /** A global phase, which only a control makes visible. */
  | { readonly kind: 'phase' }
  | { readonly kind: 'swap' }
  | { readonly kind: 'iswap' }
  /** Other gates: of the standard library, or of the program itself. */
  | {
      readonly kind: 'standard' | 'defined';
      readonly statements: readonly Statement[];
      /** Parameters, then the variables of loops. */
      readonly slots: number;
    }
  /** Declared, but without a definition. */
  | { readonly kind: 'opaque' }
  /** Its definition has a fault, which is noted already. */
  | { readonly kind: 'broken' };

/** Where something stands in the text. */
export interface Place {
  readonly at: number;
  readonly end: number;
}

/**
 * A qubit or a bit: its index; below 0 a gate's argument, the k-th as `~k`. Or several of them, one of which `index`
 * may choose.
 */
export type Operand = number | Items;

export interface Items extends Place {
  readonly items: readonly number[];
  readonly what: 'qubit' | 'bit';
  readonly index?: Expression;
}

export interface Modifier extends Place {
  readonly kind: 'inv' | 'pow' | 'ctrl' | 'negctrl';
  /** Of `pow` the exponent. */
  readonly exponent?: Expression;
  /** Of `ctrl` and `negctrl`, how many. */
  readonly count: number;
}

/** An angle: a constant, or what has to be computed when the gate is called. */
export type Arg = number | Expression;

export interface Call extends Place {
  readonly kind: 'call';
  readonly gate: GateDefinition;
  readonly modifiers: readonly Modifier[];
  readonly args: readonly Arg[];
  /** Those of the modifiers first. */
  readonly operands: readonly Operand[];
}

export interface Loop extends Place {
  readonly kind: 'for';
  readonly variable: string;
  readonly slot: number;
  readonly values: { readonly set: readonly Expression[] } | Range;
  readonly body: readonly Statement[];
}

/** Both ends belong to it. */
export interface Range {
  readonly first: Expression;
  readonly step: Expression | undefined;
  readonly last: Expression;
}

export type Statement =
  | Call
  | Loop
  | ({ readonly kind: 'box'; readonly isVerbatim: boolean; readonly body: readonly Statement[] } & Place)
  | ({ readonly kind: 'delay'; readonly duration: Expression; readonly operands: readonly Operand[] } & Place)
  | ({ readonly kind: 'reset'; readonly operand: Operand } & Place)
  | ({ readonly kind: 'measure'; readonly qubits: Operand; readonly bits: Operand | undefined } & Place);
