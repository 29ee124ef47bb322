// Reads calls of gates, with their modifiers, and refuses by name what the language has and a circuit cannot have.
import type { Context } from './context.ts';
import { Fault, KNOWN_FAULT, quoted } from './diagnostics.ts';
import type { Expression } from './expression.ts';
import { constantInteger, readExpression } from './expressions.ts';
import type { Arg, GateDefinition, Modifier, Statement } from './gate.ts';
import { readOperands, type Physical } from './operands.ts';
import { DEFINING_WORDS, REFUSED_STATEMENTS, VALUE_TYPES, WORDS_OF_3 } from './words.ts';

const MODIFIERS: ReadonlySet<string> = new Set(['inv', 'pow', 'ctrl', 'negctrl']);
const NONE: readonly never[] = [];

/** What begins with a name and is no call: an assignment. */
type ReadAssignment = (word: string, at: number, end: number) => Statement;

/** `gateCallStatement`, and what else may begin with a name. */
export function readCall(context: Context, physical: Physical, assignment: ReadAssignment): Statement {
  const { scanner } = context;
  const hasModifiers = context.version === 3 && MODIFIERS.has(scanner.word);
  const modifiers = hasModifiers ? readModifiers(context) : NONE;
  const { word, start: at, end } = scanner;
  const gate = context.knownGate(word);
  if (gate !== undefined && gate.body.kind !== 'broken') {
    return readCallOf(context, physical, assignment, gate, modifiers);
  }
  scanner.next();
  if (!hasModifiers && isAssignment(context)) return assignment(word, at, end);
  if (gate !== undefined) throw KNOWN_FAULT;
  refuse(context, word, at, end);
  throw context.noGate(word, at, end);
}

/** A call of this gate, whose name is the token; or an assignment to what has the same name. */
export function readCallOf(
  context: Context,
  physical: Physical,
  assignment: ReadAssignment,
  gate: GateDefinition,
  modifiers: readonly Modifier[] = NONE,
): Statement {
  const { scanner } = context;
  const { start: at, end } = scanner;
  scanner.next();
  if (modifiers === NONE && isAssignment(context)) {
    // `h[100ns] q;` looks like an assignment at first.
    const isBit = !context.is('[') || context.find(gate.name) !== undefined;
    if (isBit) return assignment(gate.name, at, end);
  }
  const args = scanner.kind === '(' ? readArgs(context) : NONE;
  if (args.length !== gate.params) {
    throw new Fault(
      at,
      end,
      `gate ${quoted(gate.name)} takes ${counted(gate.params, 'angle')}, got ${args.length}`,
    );
  }
  if (context.is('[')) {
    throw new Fault(scanner.start, scanner.end, 'a gate with a duration of its own is not taken', {
      hint: 'Leave the duration out: the device has its own.',
    });
  }
  const operands = context.is(';') ? NONE : readOperands(context, physical);
  let qubits = gate.qubits;
  for (const { count } of modifiers) qubits += count;
  if (operands.length !== qubits) {
    const name = quoted(gate.name) + (qubits > gate.qubits ? ' with its controls' : '');
    throw new Fault(at, end, `gate ${name} takes ${counted(qubits, 'qubit')}, got ${operands.length}`);
  }
  context.endStatement();
  return { kind: 'call', gate, modifiers, args, operands, at, end };
}

function isAssignment({ scanner }: Context): boolean {
  return scanner.kind === '[' || scanner.kind === '=' || scanner.kind === 'assignment';
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

function readArgs(context: Context): readonly Arg[] {
  context.scanner.next();
  if (context.take(')')) return NONE;
  // Most have one. A list that is made with it takes less memory than one that grows.
  const args = [readArg(context)];
  while (context.take(',') && !context.is(')')) args.push(readArg(context));
  context.expect(')');
  return args;
}

/** A number alone is not made an expression first: there are hundreds of thousands of them. */
function readArg(context: Context): Arg {
  const { scanner } = context;
  const { kind, value, start, unit } = scanner;
  if ((kind === 'float' || kind === 'integer') && unit === '') {
    scanner.next();
    if (scanner.kind === ')' || scanner.kind === ',') return value;
    scanner.end = start;
    scanner.next();
  }
  const arg = readExpression(context);
  if (arg.type === 'duration') throw new Fault(arg.at, arg.end, 'a gate takes angles, and this is a time');
  return arg.kind === 'value' ? arg.value : arg;
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
