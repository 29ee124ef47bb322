// Reads loops over constant ranges and sets, which are unrolled.
import type { Context } from './context.ts';
import { Fault } from './diagnostics.ts';
import type { Expression } from './expression.ts';
import { converted, readExpression, readSize } from './expressions.ts';
import type { Loop, Range, Statement } from './gate.ts';
import { readSet } from './operands.ts';
import { VALUE_TYPES } from './words.ts';

/** `forStatement`. */
export function readLoop(context: Context, readBody: () => readonly Statement[]): Loop {
  const { scanner } = context;
  const { start: at, end } = scanner;
  scanner.next();
  const type = scanner.word;
  if (scanner.kind !== 'name' || !VALUE_TYPES.has(type))
    throw context.unexpected('a type: for int i in [0:3]');
  scanner.next();
  readSize(context);
  const name = context.newName();
  if (!context.isWord('in')) throw context.unexpected("'in'");
  scanner.next();
  const values = readValues(context, type);
  const slot = context.slots;
  context.slots += 1;
  return context.inScope(false, () => {
    const valueType = type === 'uint' ? 'int' : (type as 'int' | 'float' | 'angle' | 'bool' | 'duration');
    context.declare(name, { kind: 'variable', type: valueType, slot });
    const body = readBody();
    return { kind: 'for', variable: name.word, slot, values, body, at, end };
  });
}

function readValues(context: Context, type: string): Loop['values'] {
  const { scanner } = context;
  const { start, end } = scanner;
  const asTyped = (value: Expression): Expression =>
    converted(value, type, undefined, value.at, value.end, false);
  if (scanner.kind === '{') return { set: readSet(context).map(asTyped) };
  if (scanner.kind !== '[') {
    throw new Fault(start, end, 'a loop over this is not taken', {
      expected: 'a range [0:3] or a set {0, 1, 3}',
    });
  }
  scanner.next();
  const first = asTyped(readExpression(context));
  context.expect(':');
  const second = readExpression(context);
  const third = context.take(':') ? asTyped(readExpression(context)) : undefined;
  context.expect(']');
  if (type !== 'int' && type !== 'uint')
    throw new Fault(start, end, 'a range is of integers', { expected: 'int' });
  const range: Range =
    third === undefined
      ? { first, step: undefined, last: asTyped(second) }
      : { first, step: converted(second, 'int', undefined, second.at, second.end, false), last: third };
  return range;
}
