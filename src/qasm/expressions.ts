// Reads expressions: `expression` of the grammar, with its precedence, functions, constants and casts.
import type { Context } from './context.ts';
import { Fault, KNOWN_FAULT, quoted } from './diagnostics.ts';
import {
  asAngle,
  isNumber,
  literal,
  operation,
  operatorOf,
  POWER,
  STRENGTHS,
  STRENGTHS_2,
  UNARY,
  type Expression,
  type ValueType,
} from './expression.ts';
import { constantOf, functionOf } from './functions.ts';
import { VALUE_TYPES } from './words.ts';

/** `expression`. */
export function readExpression(context: Context, least = 1): Expression {
  const { scanner } = context;
  const { kind, start, end, value } = scanner;
  if ((kind === 'integer' || kind === 'float') && scanner.unit === '') {
    // A number alone, as nearly all expressions are.
    scanner.next();
    const number = literal(kind === 'integer' ? 'int' : 'float', value, start, end);
    return scanner.kind === ')' || scanner.kind === ']' ? number : readOperators(context, number, least);
  }
  return context.nested(() => readOperators(context, readOperand(context), least));
}

function readOperators(context: Context, first: Expression, least: number): Expression {
  const { scanner } = context;
  const strengths = context.version === 2 ? STRENGTHS_2 : STRENGTHS;
  let left = first;
  for (;;) {
    const strength = strengths[scanner.kind];
    if (strength === undefined || strength < least) return left;
    const operator = scanner.kind;
    scanner.next();
    // The power is the only one that binds to the right.
    const right = context.nested(() => readExpression(context, strength === POWER ? strength : strength + 1));
    left = binary(context, operator, left, right);
  }
}

function binary(context: Context, operator: string, left: Expression, right: Expression): Expression {
  const { at } = left;
  const { end } = right;
  if (context.version === 2) {
    const found = operatorOf(operator === '^' ? '**' : operator, 'float', 'float');
    if (found !== undefined) return operation('float', at, end, found.operate, left, right);
  }
  const found = operatorOf(operator, left.type, right.type);
  if (found === undefined) {
    throw new Fault(at, end, `'${operator}' does not fit ${left.type} and ${right.type}`);
  }
  const result = operation(found.type, at, end, found.operate, left, right);
  const isCut = operator === '/' && found.type === 'int' && left.type !== 'angle';
  if (isCut && left.kind === 'value' && right.kind === 'value' && left.value % right.value !== 0) {
    const shown = result.kind === 'value' ? result.value : '';
    context.problems.warn(at, end, `two integers divided give an integer in OpenQASM 3: this is ${shown}`, {
      hint: `Write ${left.value}.0 / ${right.value} for the fraction.`,
    });
  }
  return result;
}

function readOperand(context: Context): Expression {
  const { scanner } = context;
  const { kind, start: at, end, value, word, unit } = scanner;
  switch (kind) {
    case 'integer':
    case 'float':
      scanner.next();
      if (unit !== '') return withUnit(context, value, unit, at, end);
      return literal(kind === 'integer' ? 'int' : 'float', value, at, end);
    case 'duration':
      scanner.next();
      return literal('duration', value, at, end);
    case '(': {
      scanner.next();
      const inner = readExpression(context);
      const stop = scanner.end;
      context.expect(')');
      return { ...inner, at, end: stop };
    }
    case '-':
    case '~':
    case '!': {
      scanner.next();
      return unary(context, kind, at, readExpression(context, UNARY));
    }
    case 'name':
      scanner.next();
      return readNamed(context, word, at, end);
    case 'string':
      throw new Fault(at, end, 'a text or a bit string is no number');
    case 'hardware':
      throw new Fault(at, end, 'a qubit is no number');
    default:
      throw context.unexpected('an expression');
  }
}

function withUnit(context: Context, value: number, unit: string, at: number, end: number): Expression {
  context.problems.warn(
    at,
    end,
    `'${unit}' is understood, but is no part of OpenQASM: other tools do not take it`,
    {
      hint: unit === 'deg' ? 'Write the angle as a fraction of pi.' : 'Leave it out: angles are in radians.',
    },
    `unit ${unit}`,
  );
  return literal('float', unit === 'deg' ? (value * Math.PI) / 180 : value, at, end);
}

function unary(context: Context, operator: '-' | '~' | '!', at: number, operand: Expression): Expression {
  const { type, end } = operand;
  if (operator === '-') {
    const negated = type === 'angle' ? (a: number) => asAngle(-a) : (a: number) => -a;
    return operation(type === 'bool' ? 'int' : type, at, end, negated, operand);
  }
  if (context.version === 2) throw new Fault(at, end, `'${operator}' is an operator of OpenQASM 3`);
  if (operator === '!' && isNumber(type)) return operation('bool', at, end, (a) => Number(a === 0), operand);
  if (operator === '~' && (type === 'int' || type === 'bool'))
    return operation('int', at, end, (a) => -a - 1, operand);
  throw new Fault(at, end, `'${operator}' does not fit ${type}`);
}

/** A name that begins an operand: a cast, a function, a constant, or what the program has declared. */
function readNamed(context: Context, word: string, at: number, end: number): Expression {
  const { scanner, version } = context;
  if (VALUE_TYPES.has(word) && version === 3) return readCast(context, word, at);
  if (word === 'durationof')
    throw new Fault(at, end, "'durationof' is not taken", { hint: 'Write the time as a constant.' });
  if (scanner.kind === '(') return readFunction(context, word, at, end);
  const thing = context.find(word);
  switch (thing?.kind) {
    case 'constant':
      return literal(thing.type, thing.value, at, end);
    case 'variable':
      return { kind: 'variable', type: thing.type, slot: thing.slot, at, end };
    case 'broken':
      throw KNOWN_FAULT;
    case 'bits':
      throw new Fault(at, end, `${quoted(word)} are bits: what is measured cannot be computed with`, {
        hint: 'A circuit is fixed before it runs.',
      });
    case 'qubits':
    case 'argument':
      throw new Fault(at, end, `${quoted(word)} is no number, but a qubit`);
    case undefined:
      break;
  }
  const constant = constantOf(word, version);
  if (constant === undefined) throw context.undeclared(word, at, end, 'constant');
  return literal(constant.type, constant.value, at, end);
}

function readFunction(context: Context, word: string, at: number, end: number): Expression {
  const { scanner, version } = context;
  const found = functionOf(word, version);
  if (typeof found === 'string')
    throw new Fault(at, end, `there is no function ${quoted(word)}`, { hint: found });
  scanner.next();
  const args: Expression[] = [];
  while (scanner.kind !== ')') {
    args.push(readExpression(context));
    if (!context.take(',')) break;
  }
  const stop = scanner.end;
  context.expect(')');
  const [first, second] = args;
  if (first === undefined || args.length !== found.count) {
    throw new Fault(
      at,
      stop,
      `${word} takes ${found.count} value${found.count === 1 ? '' : 's'}, here are ${args.length}`,
    );
  }
  const wrong = args.find(({ type }) => !isNumber(type));
  if (wrong !== undefined) throw new Fault(wrong.at, wrong.end, `${word} takes numbers, and this is a time`);
  const type = found.type === 'same' ? commonType(args) : found.type;
  return second === undefined
    ? operation(type, at, stop, found.operate, first)
    : operation(type, at, stop, found.operate, first, second);
}

function commonType(args: readonly Expression[]): ValueType {
  return args.every(({ type }) => type === 'int' || type === 'bool') ? 'int' : 'float';
}

/** `castExpression`, behind the name of its type. */
function readCast(context: Context, word: string, at: number): Expression {
  const { scanner } = context;
  const bits = readSize(context);
  context.expect('(');
  const inner = readExpression(context);
  const { end } = scanner;
  context.expect(')');
  return converted(inner, word, bits, at, end, true);
}

/** `designator`, if there is one: a size in brackets. */
export function readSize(context: Context): number | undefined {
  if (context.scanner.kind !== '[') return undefined;
  context.scanner.next();
  const size = readExpression(context);
  context.expect(']');
  return constantInteger(size, 'a size');
}

/** The value of an expression that has to be a constant integer. */
export function constantInteger(expression: Expression, what: string): number {
  const { at, end } = expression;
  if (expression.kind !== 'value') {
    throw new Fault(at, end, `${what} has to be a constant`, { hint: 'Declare it with const.' });
  }
  if (expression.type !== 'int' && expression.type !== 'bool') {
    throw new Fault(at, end, `${what} has to be an integer, and this is a ${expression.type}`, {
      hint: 'int(…) makes one.',
    });
  }
  return expression.value;
}

/** A value as the type that is written as `word`. Implicitly, a fraction does not become an integer. */
export function converted(
  inner: Expression,
  word: string,
  bits: number | undefined,
  at: number,
  end: number,
  isExplicit: boolean,
): Expression {
  const { type } = inner;
  const isInteger = type === 'int' || type === 'bool';
  if ((word === 'duration') !== (type === 'duration')) {
    throw new Fault(
      at,
      end,
      `a ${type} cannot become a ${word}`,
      word === 'duration' ? { hint: 'Write a unit: 100ns.' } : {},
    );
  }
  switch (word) {
    case 'angle':
      return operation('angle', at, end, (a) => asAngle(a, bits), inner);
    case 'bool':
      return operation('bool', at, end, (a) => Number(a !== 0), inner);
    case 'int':
    case 'uint': {
      if (!isInteger && !isExplicit) {
        throw new Fault(at, end, `a ${type} does not become an ${word} by itself`, {
          hint: `Write ${word}(…) around it.`,
        });
      }
      // Below 0 it has no value: nobody means the number that would come around.
      return operation('int', at, end, (a) => (word === 'uint' && a < 0 ? NaN : Math.trunc(a)), inner);
    }
    default:
      return operation(word === 'duration' ? 'duration' : 'float', at, end, (a) => a, inner);
  }
}
