// Reads calls of gates, with their modifiers, and refuses by name what the language has and a circuit cannot have.
import type { Context } from './context.ts';
import { Fault, KnownFault, quoted } from './diagnostics.ts';
import type { Expression } from './expression.ts';
import { constantInteger, readExpression } from './expressions.ts';
import type { Modifier, Statement } from './gate.ts';
import { readOperands, type Physical } from './operands.ts';
import { DEFINING_WORDS, REFUSED_STATEMENTS, VALUE_TYPES, WORDS_OF_3 } from './words.ts';

const MODIFIERS: ReadonlySet<string> = new Set(['inv', 'pow', 'ctrl', 'negctrl']);
const NONE: readonly never[] = [];

/** `gateCallStatement`, and what else may begin with a name. */
export function readCall(
  context: Context,
  physical: Physical,
  assignment: (word: string, at: number, end: number) => Statement,
): Statement {
  const { scanner } = context;
  let modifiers: readonly Modifier[] = NONE;
  if (context.version === 3 && MODIFIERS.has(scanner.word)) modifiers = readModifiers(context);
  const { word, start: at, end } = scanner;
  scanner.next();
  if (modifiers === NONE && (scanner.kind === '[' || scanner.kind === '=' || scanner.kind === 'assignment')) {
    return assignment(word, at, end);
  }
  const gate = context.knownGate(word);
  if (gate === undefined) {
    refuse(context, word, at, end);
    throw context.noGate(word, at, end);
  }
  if (gate.body.kind === 'broken') throw new KnownFault();
  const args = scanner.kind === '(' ? readArgs(context) : NONE;
  if (args.length !== gate.params) {
    throw new Fault(
      at,
      end,
      `gate ${quoted(word)} takes ${counted(gate.params, 'angle')}, here ${areOf(args.length)}`,
    );
  }
  if (scanner.kind === '[') {
    throw new Fault(scanner.start, scanner.end, 'a gate with a duration of its own is not taken', {
      hint: 'Leave the duration out: the device has its own.',
    });
  }
  const operands = scanner.kind === ';' ? [] : readOperands(context, physical);
  const controls = modifiers.reduce((sum, { count }) => sum + count, 0);
  if (operands.length !== gate.qubits + controls) {
    const wanted = counted(gate.qubits + controls, 'qubit');
    throw new Fault(
      at,
      end,
      `gate ${quoted(word)} acts on ${wanted} here, and ${areOf(operands.length)} given`,
    );
  }
  context.endStatement();
  return { kind: 'call', gate, modifiers, args, operands, at, end };
}

/** Refuses by name what begins with a word of the language, unless the program has a gate of that name. */
export function refuse(context: Context, word: string, at: number, end: number): void {
  if (context.version === 2 && WORDS_OF_3.has(word)) {
    throw new Fault(at, end, `${quoted(word)} is of OpenQASM 3, and the program says that it is OpenQASM 2`, {
      hint: 'Write `OPENQASM 3.0;` as its first line.',
    });
  }
  const refused = REFUSED_STATEMENTS.get(word);
  if (refused !== undefined) throw new Fault(at, end, refused[0], { hint: refused[1] });
  if (VALUE_TYPES.has(word)) {
    throw new Fault(at, end, `a variable of type ${quoted(word)} is not taken`, {
      hint: `If it does not change, write const ${word}. A circuit is fixed before it runs.`,
    });
  }
  if (WORDS_OF_3.has(word) || DEFINING_WORDS.has(word)) {
    const where = context.isInGate ? 'in a gate' : 'in a block';
    throw new Fault(at, end, `${quoted(word)} cannot stand ${where}`, { hint: 'Write it before.' });
  }
}

function readArgs(context: Context): Expression[] {
  const { scanner } = context;
  scanner.next();
  if (scanner.kind === ')') {
    scanner.next();
    return [];
  }
  // Most have one. A list that is made with it takes less memory than one that grows.
  const args = [readExpression(context)];
  while (context.take(',') && !context.is(')')) args.push(readExpression(context));
  context.expect(')');
  const time = args.find(({ type }) => type === 'duration');
  if (time !== undefined) throw new Fault(time.at, time.end, 'a gate takes angles, and this is a time');
  return args;
}

function readModifiers(context: Context): Modifier[] {
  const modifiers: Modifier[] = [];
  while (context.is('name') && MODIFIERS.has(context.scanner.word)) modifiers.push(readModifier(context));
  if (!context.is('name')) throw context.unexpected('the name of a gate');
  return modifiers;
}

/** `gateModifier`. */
function readModifier(context: Context): Modifier {
  const { scanner } = context;
  const { word, start: at, end } = scanner;
  const kind = word as Modifier['kind'];
  scanner.next();
  let argument: Expression | undefined;
  if (kind !== 'inv' && context.take('(')) {
    argument = readExpression(context);
    context.expect(')');
  }
  context.expect('@', ' behind a modifier');
  if (kind === 'pow') {
    if (argument === undefined || argument.type === 'duration') {
      throw new Fault(at, end, "'pow' takes the exponent as a number", { expected: 'pow(2) @' });
    }
    return { kind, exponent: argument, count: 0, at, end };
  }
  if (kind === 'inv') return { kind, count: 0, at, end };
  const count = argument === undefined ? 1 : constantInteger(argument, 'the number of controls');
  if (count < 1) throw new Fault(at, end, 'the number of controls has to be 1 or more');
  return { kind, count, at, end };
}

function counted(count: number, noun: string): string {
  return count === 0 ? `no ${noun}` : `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function areOf(count: number): string {
  return count === 1 ? 'is 1' : `are ${count}`;
}
