// Reads the statements that do something: gate calls, loops, boxes, delays, resets and measurements.
import { readCall, readCallOf, refuse } from './calls.ts';
import type { Context } from './context.ts';
import { Fault, quoted } from './diagnostics.ts';
import { converted, readExpression, readSize } from './expressions.ts';
import type { GateDefinition, Operand, Statement } from './gate.ts';
import { readLoop } from './loops.ts';
import { readOperand, readOperands, type Physical } from './operands.ts';
import { VALUE_TYPES } from './words.ts';

export class Statements {
  /** Whether a pragma says that the next box is to be run exactly as it is written. */
  isVerbatim = false;
  readonly #context: Context;
  readonly #physical: Physical;
  readonly #assign = (word: string, at: number, end: number): Statement => this.#assignment(word, at, end);

  constructor(context: Context, physical: Physical) {
    this.#context = context;
    this.#physical = physical;
  }

  /** One statement, which begins at the token; undefined if it does nothing. */
  read(): Statement | undefined {
    const { scanner, version } = this.#context;
    if (scanner.kind === ';') {
      this.#context.endStatement();
      return undefined;
    }
    if (scanner.kind === '{') return this.#scope();
    if (scanner.kind !== 'name') throw this.#context.unexpected('a statement');
    switch (scanner.word) {
      case 'barrier':
        return this.#barrier();
      case 'measure':
        return this.#measurement();
      case 'reset':
        return this.#reset();
      case 'for':
        return version === 3 ? readLoop(this.#context, () => this.#body()) : this.#call();
      case 'box':
        return version === 3 ? this.#box() : this.#call();
      case 'delay':
        return version === 3 ? this.#delay() : this.#call();
      case 'const':
        return version === 3 ? this.constant() : this.#call();
      default:
        return this.#call();
    }
  }

  /** A call of this gate, whose name is the token. */
  callOf(gate: GateDefinition): Statement {
    return readCallOf(this.#context, this.#physical, this.#assign, gate);
  }

  /** `scope`: statements in braces. Those with a fault are noted and left out. */
  block(): Statement[] {
    const { scanner } = this.#context;
    const body: Statement[] = [];
    this.#context.expect('{');
    while (scanner.kind !== '}') {
      if (scanner.kind === 'end') throw this.#context.unexpected("'}'");
      this.#context.attempt(() => {
        const statement = this.read();
        if (statement !== undefined) body.push(statement);
      });
    }
    this.#context.isAtEnd = true;
    scanner.next();
    return body;
  }

  #scope(): Statement {
    const { start: at, end } = this.#context.scanner;
    const body = this.#context.inScope(false, () => this.block());
    return { kind: 'box', isVerbatim: false, body, at, end };
  }

  /** `constDeclarationStatement`. */
  constant(): undefined {
    const context = this.#context;
    const { scanner } = context;
    scanner.next();
    const { word, start, end } = scanner;
    if (scanner.kind !== 'name' || !VALUE_TYPES.has(word)) {
      throw new Fault(start, end, 'a constant of this type is not taken', {
        expected: [...VALUE_TYPES].join(', '),
      });
    }
    scanner.next();
    const bits = readSize(context);
    const name = context.newName();
    try {
      context.expect('=');
      const inner = readExpression(context);
      const value = converted(inner, word, bits, inner.at, inner.end, false);
      if (value.kind !== 'value') throw new Fault(value.at, value.end, 'this is no constant');
      context.endStatement();
      context.declare(name, { kind: 'constant', type: value.type, value: value.value });
    } catch (thrown) {
      context.markBroken(name.word);
      throw thrown;
    }
    return undefined;
  }

  /** `assignmentStatement`: only what is measured can be assigned. */
  #assignment(word: string, at: number, end: number): Statement {
    const context = this.#context;
    const { scanner } = context;
    const thing = context.find(word);
    if (thing?.kind !== 'bits' && thing?.kind !== 'broken') {
      refuse(context, word, at, end);
      if (thing === undefined) throw context.undeclared(word, at, end, 'bit');
      throw new Fault(at, end, `${quoted(word)} cannot be assigned: it is no bit`, {
        hint: 'Only bits are assigned, and only what is measured.',
      });
    }
    if (context.version === 2) {
      throw new Fault(at, end, 'an assignment is of OpenQASM 3, and the program says that it is OpenQASM 2', {
        hint: 'Write: measure q -> c;',
      });
    }
    // Back to the name, which is read with its index.
    scanner.end = at;
    scanner.next();
    const bits = readOperand(context, 'bits', this.#physical);
    if (scanner.kind === 'assignment') throw this.#onlyMeasured(scanner.start, scanner.end);
    context.expect('=');
    if (!context.isWord('measure')) throw this.#onlyMeasured(scanner.start, scanner.end);
    return this.#measurementInto(bits, at);
  }

  #onlyMeasured(at: number, end: number): Fault {
    return new Fault(at, end, 'a bit can only be assigned what is measured', { expected: 'measure' });
  }

  /** Behind `=`: a measurement whose result goes to `bits`. */
  #measurementInto(bits: Operand, at: number): Statement {
    const { scanner } = this.#context;
    if (this.#context.isInGate) throw notInGate(scanner, 'measure');
    scanner.next();
    const qubits = readOperand(this.#context, 'qubits', this.#physical);
    const { start: end } = scanner;
    this.#context.endStatement();
    return { kind: 'measure', qubits, bits, at, end };
  }

  /** `declarationExpression` of bits, if it is a measurement. */
  initialMeasurement(items: readonly number[], at: number): Statement {
    if (!this.#context.isWord('measure'))
      throw this.#onlyMeasured(this.#context.scanner.start, this.#context.scanner.end);
    return this.#measurementInto({ items, what: 'bit', at, end: at }, at);
  }

  /** `measureArrowAssignmentStatement`. */
  #measurement(): Statement {
    const context = this.#context;
    const { scanner } = context;
    const { start: at } = scanner;
    if (context.isInGate) throw notInGate(scanner, 'measure');
    scanner.next();
    const qubits = readOperand(context, 'qubits', this.#physical);
    const bits = context.take('->') ? readOperand(context, 'bits', this.#physical) : undefined;
    const { start: end } = scanner;
    context.endStatement();
    return { kind: 'measure', qubits, bits, at, end };
  }

  #barrier(): undefined {
    const { scanner } = this.#context;
    scanner.next();
    if (scanner.kind !== ';') readOperands(this.#context, this.#physical);
    this.#context.endStatement();
    return undefined;
  }

  #reset(): Statement {
    const { scanner } = this.#context;
    const { start: at } = scanner;
    if (this.#context.isInGate) throw notInGate(scanner, 'reset');
    scanner.next();
    const operand = readOperand(this.#context, 'qubits', this.#physical);
    const { start: end } = scanner;
    this.#context.endStatement();
    return { kind: 'reset', operand, at, end };
  }

  /** `delayStatement`. */
  #delay(): Statement {
    const context = this.#context;
    const { scanner } = context;
    const { start: at, end } = scanner;
    scanner.next();
    context.expect('[', ' with the time behind delay');
    const duration = readExpression(context);
    if (duration.type !== 'duration') {
      throw new Fault(duration.at, duration.end, 'a delay is a time with a unit', { expected: '100ns' });
    }
    context.expect(']');
    if (scanner.kind === ';') {
      throw new Fault(at, end, 'a delay of all qubits is not taken', { hint: 'Name the qubits behind it.' });
    }
    const operands = readOperands(context, this.#physical);
    context.endStatement();
    return { kind: 'delay', duration, operands, at, end };
  }

  /** `boxStatement`: a block, of which Braket's pragma may say that it is run as it is written. */
  #box(): Statement {
    const context = this.#context;
    const { scanner } = context;
    const { start: at, end } = scanner;
    const { isVerbatim } = this;
    this.isVerbatim = false;
    scanner.next();
    if (scanner.kind === '[') {
      throw new Fault(scanner.start, scanner.end, 'a box with a duration is not taken', {
        hint: 'Leave the duration out, and write delays.',
      });
    }
    const body = context.inScope(false, () => this.block());
    return { kind: 'box', isVerbatim, body, at, end };
  }

  #call(): Statement {
    return readCall(this.#context, this.#physical, this.#assign);
  }

  #body(): Statement[] {
    if (this.#context.scanner.kind === '{') return this.block();
    const statement = this.read();
    return statement === undefined ? [] : [statement];
  }
}

function notInGate({ start, end }: { start: number; end: number }, word: string): Fault {
  return new Fault(start, end, `'${word}' cannot stand in a gate`, { hint: 'A gate consists of gates.' });
}
