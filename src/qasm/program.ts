// Reads a whole program, `program` of the grammar, statement by statement, and runs each on the machine as soon as it is read.
import { Context } from './context.ts';
import { readGate, readOpaque } from './definitions.ts';
import { Fault, Problems, quoted } from './diagnostics.ts';
import { readSize } from './expressions.ts';
import type { GateDefinition, Statement } from './gate.ts';
import type { Machine } from './machine.ts';
import { MOST_QUBITS, readOperand } from './operands.ts';
import { PlainCalls } from './plain-calls.ts';
import { Standard } from './standard.ts';
import { Statements } from './statements.ts';

const MOST_BITS = 100_000;

export class Program {
  /** Qubits and bits that it has. */
  qubits = 0;
  bits = 0;
  readonly #context: Context;
  readonly #machine: Machine;
  readonly #statements: Statements;
  readonly #plainCalls: PlainCalls;
  readonly #frame: number[] = [];
  #isPhysical = false;
  #isDeclared = false;
  #isFirst = true;
  #hasVersion = false;

  constructor(text: string, problems: Problems, machine: Machine) {
    this.#context = new Context(text, problems, new Standard(readDefinition));
    this.#machine = machine;
    this.#plainCalls = new PlainCalls(this.#context, machine);
    this.#statements = new Statements(this.#context, (index, at, end) => this.#physical(index, at, end));
  }

  run(): void {
    const context = this.#context;
    const { scanner } = context;
    const one = (): void => this.#statement();
    context.attempt(() => scanner.next());
    while (scanner.kind !== 'end') context.attempt(one);
    if (this.qubits > 0 || context.problems.count > 0) return;
    throw new Fault(0, 0, 'the program has no qubits', { hint: 'Declare them: qubit[2] q;' });
  }

  #statement(): void {
    const { scanner, version } = this.#context;
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    // Most statements are calls of gates that have been called before.
    if (scanner.kind === 'name') {
      const gate = this.#context.calledGate(scanner.word);
      if (gate !== undefined) {
        if (!this.#plainCalls.run(gate)) this.#run(this.#statements.callOf(gate));
        return;
      }
      switch (scanner.word) {
        case 'OPENQASM':
          return this.#version(isFirst);
        case 'include':
          return this.#include(isFirst);
        case 'qreg':
          return this.#register('qubits', true);
        case 'creg':
          return this.#register('bits', true);
        case 'gate':
          readGate(this.#context, this.#statements, 'defined');
          return;
        case 'opaque':
          return readOpaque(this.#context);
        case 'qubit':
          if (version === 3) return this.#register('qubits', false);
          break;
        case 'bit':
          if (version === 3) return this.#register('bits', false);
          break;
        case 'let':
          if (version === 3) return this.#alias();
          break;
        case 'pragma':
          if (version === 3) return this.#pragma();
          break;
      }
    } else if (scanner.kind === '@') {
      scanner.restOfLine();
      return scanner.next();
    } else if (scanner.kind === '#') {
      scanner.next();
      if (!this.#context.isWord('pragma')) throw this.#context.unexpected("'pragma'");
      return this.#pragma();
    } else if (scanner.kind === '}') {
      const fault = this.#context.unexpected('a statement');
      this.#context.isAtEnd = true;
      scanner.next();
      throw fault;
    }
    const statement = this.#statements.read();
    if (statement !== undefined) this.#run(statement);
  }

  #run(statement: Statement): void {
    this.#machine.run(statement, this.#frame);
  }

  /** `version`. */
  #version(isFirst: boolean): void {
    const context = this.#context;
    const { scanner } = context;
    const { start } = scanner;
    scanner.next();
    const { value, end } = scanner;
    if (scanner.kind !== 'float' && scanner.kind !== 'integer') throw context.unexpected('3.0 or 2.0');
    scanner.next();
    context.endStatement();
    if (!isFirst) throw new Fault(start, end, 'the version has to be the first statement');
    if (value !== 2 && Math.floor(value) !== 3) {
      throw new Fault(start, end, `OpenQASM ${value} is not known here`, {
        expected: 'OPENQASM 3.0; or OPENQASM 2.0;',
      });
    }
    this.#setVersion(value === 2 ? 2 : 3);
    this.#hasVersion = true;
    this.#isFirst = true;
  }

  #setVersion(version: 2 | 3): void {
    this.#context.version = version;
    this.#context.scanner.hasUnits = version === 3;
  }

  /** `includeStatement`. The gates of the two standard files are there anyway. */
  #include(isFirst: boolean): void {
    const context = this.#context;
    const { scanner } = context;
    scanner.next();
    const { kind, word, start, end } = scanner;
    if (kind !== 'string') throw context.unexpected('"stdgates.inc"');
    scanner.next();
    context.endStatement();
    if (word === 'qelib1.inc' && isFirst) {
      // Without a version, this file says which it is.
      if (!this.#hasVersion) this.#setVersion(2);
    } else if (word !== 'stdgates.inc' && word !== 'qelib1.inc') {
      throw new Fault(start, end, `the file ${quoted(word)} is not read`, {
        hint: 'Only stdgates.inc and qelib1.inc are known. Write what is in another file in the program itself.',
      });
    }
  }

  /** `quantumDeclarationStatement`, `classicalDeclarationStatement` of bits, `oldStyleDeclarationStatement`. */
  #register(kind: 'qubits' | 'bits', isOld: boolean): void {
    const context = this.#context;
    const { scanner } = context;
    const { start: at } = scanner;
    scanner.next();
    let size = isOld ? undefined : readSize(context);
    const name = context.newName();
    try {
      if (isOld) size = readSize(context);
      const { start: end } = scanner;
      const items =
        kind === 'qubits' ? this.#newQubits(size ?? 1, at, end) : this.#newBits(size ?? 1, at, end);
      const isMeasured = kind === 'bits' && !isOld && context.take('=');
      const measurement = isMeasured ? this.#statements.initialMeasurement(items, at) : undefined;
      if (measurement === undefined) context.endStatement();
      context.declare(name, { kind, items, isSingle: size === undefined });
      if (measurement !== undefined) this.#run(measurement);
    } catch (thrown) {
      context.markBroken(name.word);
      throw thrown;
    }
  }

  #newQubits(size: number, at: number, end: number): number[] {
    if (size < 1) throw new Fault(at, end, 'a register has at least 1 qubit');
    if (this.#isPhysical) throw mixed(at, end);
    if (this.qubits + size > MOST_QUBITS) {
      throw new Fault(
        at,
        end,
        `with this the program has ${this.qubits + size} qubits; a circuit has at most ${MOST_QUBITS}`,
      );
    }
    this.#isDeclared = true;
    this.qubits += size;
    return Array.from({ length: size }, (_, k) => this.qubits - size + k);
  }

  #newBits(size: number, at: number, end: number): number[] {
    if (size < 1) throw new Fault(at, end, 'a register has at least 1 bit');
    if (this.bits + size > MOST_BITS) throw new Fault(at, end, `more than ${MOST_BITS} bits`);
    this.bits += size;
    return Array.from({ length: size }, (_, k) => this.bits - size + k);
  }

  #physical(index: number, at: number, end: number): void {
    if (this.#isDeclared) throw mixed(at, end);
    if (index >= MOST_QUBITS) {
      throw new Fault(
        at,
        end,
        `there is no physical qubit ${index}: a circuit has the qubits $0 to $${MOST_QUBITS - 1}`,
      );
    }
    this.#isPhysical = true;
    this.qubits = Math.max(this.qubits, index + 1);
  }

  /** `aliasDeclarationStatement`. */
  #alias(): void {
    const context = this.#context;
    const { scanner } = context;
    scanner.next();
    const name = context.newName();
    try {
      context.expect('=');
      const kind = scanner.kind === 'name' && context.find(scanner.word)?.kind === 'bits' ? 'bits' : 'qubits';
      const items: number[] = [];
      do {
        const operand = readOperand(context, kind, (index, at, end) => this.#physical(index, at, end));
        items.push(...(typeof operand === 'number' ? [operand] : operand.items));
        if (items.length > MOST_BITS) throw new Fault(name.at, name.end, `more than ${MOST_BITS} items`);
      } while (context.take('++'));
      context.endStatement();
      context.declare(name, { kind, items, isSingle: false });
    } catch (thrown) {
      context.markBroken(name.word);
      throw thrown;
    }
  }

  /** `pragma`. Braket's say what is to be run as it is written; others are for other tools. */
  #pragma(): void {
    const { scanner, problems } = this.#context;
    const { start, end } = scanner;
    const content = scanner.restOfLine();
    const stop = Math.max(end, scanner.end);
    this.#context.isAtEnd = true;
    scanner.next();
    if (/^braket\s+verbatim$/.test(content)) {
      this.#statements.isVerbatim = true;
    } else if (/^braket\s+(?:unitary|noise)\b/.test(content)) {
      throw new Fault(
        start,
        stop,
        `the pragma ${quoted(content)} would change the circuit, and is not taken`,
        {
          hint: 'Write a unitary as gates. Noise is that of the device.',
        },
      );
    } else {
      problems.warn(start, stop, `the pragma ${quoted(content)} is left out`);
    }
  }
}

/** A gate of the standard library that is written in OpenQASM itself. */
function readDefinition(text: string, standard: Standard): GateDefinition {
  const context = new Context(text, new Problems(text, 'the standard library'), standard);
  context.scanner.next();
  return readGate(context, new Statements(context, () => {}), 'standard');
}

function mixed(at: number, end: number): Fault {
  return new Fault(
    at,
    end,
    'a program has either registers of qubits or physical qubits such as $0, not both',
    {
      hint: 'Where a declared qubit would be on the device is not known.',
    },
  );
}
