// Expressions whose names are resolved: their types, operators and values. Constants are computed at once, so that only
// the parameters of gates and the variables of loops are left for later.
import { Fault } from './diagnostics.ts';

/** An `angle` is in [0, 2π); a `duration` is in nanoseconds; a `bool` is 0 or 1. */
export type ValueType = 'int' | 'float' | 'angle' | 'bool' | 'duration';

/** So that a text of nothing but operators does not overflow the stack when it is computed. */
const DEEPEST = 300;
const TURN = 2 * Math.PI;

interface Common {
  readonly type: ValueType;
  readonly at: number;
  readonly end: number;
}

interface Operation extends Common {
  readonly kind: 'operation';
  readonly operate: (a: number, b: number) => number;
  readonly operands: readonly [Expression] | readonly [Expression, Expression];
  readonly depth: number;
  /** How many operations it is. */
  readonly size: number;
}

export type Expression =
  | (Common & { readonly kind: 'value'; readonly value: number })
  /** A parameter of a gate or the variable of a loop, by its place in the frame. */
  | (Common & { readonly kind: 'variable'; readonly slot: number })
  | Operation;

export function valueOf(expression: Expression, frame: readonly number[]): number {
  switch (expression.kind) {
    case 'value':
      return expression.value;
    case 'variable':
      return frame[expression.slot] ?? NaN;
    case 'operation': {
      const [a, b] = expression.operands;
      const left = valueOf(a, frame);
      return checked(expression, expression.operate(left, b === undefined ? 0 : valueOf(b, frame)));
    }
  }
}

export function sizeOf(expression: Expression): number {
  return expression.kind === 'operation' ? expression.size : 0;
}

export function literal(type: ValueType, value: number, at: number, end: number): Expression {
  return { kind: 'value', type, value, at, end };
}

/** `operate` on one or two operands: its value if they have theirs. */
export function operation(
  type: ValueType,
  at: number,
  end: number,
  operate: (a: number, b: number) => number,
  ...operands: readonly [Expression] | readonly [Expression, Expression]
): Expression {
  const depth =
    1 + Math.max(...operands.map((operand) => (operand.kind === 'operation' ? operand.depth : 0)));
  const size = 1 + operands.reduce((sum, operand) => sum + sizeOf(operand), 0);
  const node: Operation = { kind: 'operation', type, at, end, operate, operands, depth, size };
  if (operands.every((operand) => operand.kind === 'value')) return literal(type, valueOf(node, []), at, end);
  if (depth > DEEPEST) {
    throw new Fault(at, end, `an expression of more than ${DEEPEST} operations inside one another`);
  }
  return node;
}

function checked({ type, at, end }: Operation, value: number): number {
  if (Number.isNaN(value))
    throw new Fault(at, end, 'this has no value: a division by zero, or a function outside its range');
  if (!Number.isFinite(value) || (type === 'int' && !Number.isSafeInteger(value))) {
    throw new Fault(at, end, 'the value of this is too large, or no integer');
  }
  return value;
}

export function isNumber(type: ValueType): boolean {
  return type !== 'duration';
}

/** An angle in [0, 2π), as the type `angle` has it; with a size, the nearest that so many bits can hold. */
export function asAngle(value: number, bits?: number): number {
  if (bits !== undefined && bits <= 52) {
    const steps = 2 ** bits;
    return (((Math.round((value / TURN) * steps) % steps) + steps) % steps) * (TURN / steps);
  }
  const turned = value % TURN;
  return turned < 0 ? turned + TURN : turned;
}

/** How strongly an operator of OpenQASM 3 binds; a unary one binds like UNARY. */
export const STRENGTHS: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '|': 3,
  '^': 4,
  '&': 5,
  '==': 6,
  '!=': 6,
  '<': 7,
  '<=': 7,
  '>': 7,
  '>=': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '%': 10,
  '**': 12,
};
/** The same of OpenQASM 2, where `^` is the power. */
export const STRENGTHS_2: Readonly<Record<string, number>> = { '+': 9, '-': 9, '*': 10, '/': 10, '^': 12 };
export const UNARY = 11;
export const POWER = 12;

type Operate = (a: number, b: number) => number;

const COMPARISONS: Readonly<Record<string, Operate>> = {
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  '<': (a, b) => Number(a < b),
  '<=': (a, b) => Number(a <= b),
  '>': (a, b) => Number(a > b),
  '>=': (a, b) => Number(a >= b),
};

const LOGIC: Readonly<Record<string, Operate>> = {
  '&&': (a, b) => Number(a !== 0 && b !== 0),
  '||': (a, b) => Number(a !== 0 || b !== 0),
};

const BITS: Readonly<Record<string, Operate>> = {
  '|': (a, b) => Number(BigInt(a) | BigInt(b)),
  '^': (a, b) => Number(BigInt(a) ^ BigInt(b)),
  '&': (a, b) => Number(BigInt(a) & BigInt(b)),
  // A shift by more than 53 is too large, or 0.
  '<<': (a, b) => (b < 0 ? NaN : a * 2 ** b),
  '>>': (a, b) => (b < 0 ? NaN : Math.floor(a / 2 ** b)),
};

const ARITHMETIC: Readonly<Record<string, Operate>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0 ? NaN : a / b),
  '%': (a, b) => a % b,
  '**': (a, b) => a ** b,
};

/** What an operator does with operands of these types, and the type of its value; undefined if they do not fit. */
export function operatorOf(
  operator: string,
  left: ValueType,
  right: ValueType,
): { readonly type: ValueType; readonly operate: Operate } | undefined {
  const have = (name: ValueType): boolean => left === name || right === name;
  const comparison = COMPARISONS[operator];
  if (comparison !== undefined) {
    return have('duration') && left !== right ? undefined : { type: 'bool', operate: comparison };
  }
  if (have('duration')) return durationOperator(operator, left, right);
  const logic = LOGIC[operator];
  if (logic !== undefined) return { type: 'bool', operate: logic };
  const bits = BITS[operator];
  if (bits !== undefined) return have('float') || have('angle') ? undefined : { type: 'int', operate: bits };
  const operate = ARITHMETIC[operator];
  if (operate === undefined) return undefined;
  if (have('float')) return { type: 'float', operate };
  if (have('angle')) return angleOperator(operator, operate, left, right);
  if (operator === '/') return { type: 'int', operate: (a, b) => (b === 0 ? NaN : Math.trunc(a / b)) };
  return { type: 'int', operate: operator === '**' ? (a, b) => (b < 0 ? NaN : a ** b) : operate };
}

function durationOperator(
  operator: string,
  left: ValueType,
  right: ValueType,
): { readonly type: ValueType; readonly operate: Operate } | undefined {
  const operate = ARITHMETIC[operator];
  if (operate === undefined) return undefined;
  const isBoth = left === right;
  if (operator === '+' || operator === '-') return isBoth ? { type: 'duration', operate } : undefined;
  if (operator === '*') return isBoth ? undefined : { type: 'duration', operate };
  if (operator !== '/' || left !== 'duration') return undefined;
  return { type: isBoth ? 'float' : 'duration', operate };
}

function angleOperator(
  operator: string,
  operate: Operate,
  left: ValueType,
  right: ValueType,
): { readonly type: ValueType; readonly operate: Operate } | undefined {
  const isBoth = left === right;
  if (operator === '/' && isBoth)
    return { type: 'int', operate: (a, b) => (b === 0 ? NaN : Math.trunc(a / b)) };
  if (operator === '**' || operator === '%') return { type: 'float', operate };
  if (operator === '*' && isBoth) return undefined;
  if (operator === '/' && left !== 'angle') return undefined;
  return { type: 'angle', operate: (a, b) => asAngle(operate(a, b)) };
}
