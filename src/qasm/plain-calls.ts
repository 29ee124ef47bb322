// Nearly all statements of a large circuit are of one form: `rx(0.5) q[3];` or `cz q[0], q[1];`. They are read here at
// once from their characters, in less than half of the time that their tokens would take. Whatever is of another form is
// left to the grammar.
import type { Context } from './context.ts';
import type { GateDefinition } from './gate.ts';
import type { Machine } from './machine.ts';

const NONE: readonly number[] = [];

export class PlainCalls {
  readonly #context: Context;
  readonly #machine: Machine;
  /** Where the operand that was read last ends. */
  #at = 0;
  /** The register that was met last; the names of the program's registers never change their meaning. */
  #name = '';
  #items: readonly number[] = NONE;

  constructor(context: Context, machine: Machine) {
    this.#context = context;
    this.#machine = machine;
  }

  /** Reads and runs the call of `gate` whose name is the token. False if it is of another form: nothing has happened. */
  run(gate: GateDefinition): boolean {
    if (!this.#machine.isNative(gate) || gate.qubits > 2) return false;
    const { scanner } = this.#context;
    const { text, start, end } = scanner;
    let at = end;
    let params = NONE;
    if (text.charCodeAt(at) === 40 /* ( */) {
      const begin = at + 1;
      at = endOfNumber(text, begin);
      const value = Number(text.slice(begin, at));
      if (at === begin || text.charCodeAt(at) !== 41 /* ) */ || !(Math.abs(value) <= Number.MAX_SAFE_INTEGER))
        return false;
      params = [value];
      at += 1;
    }
    if (params.length !== gate.params || text.charCodeAt(at) !== 32 /* space */) return false;
    const first = this.#qubit(at + 1);
    if (first === undefined) return false;
    let qubits = [first];
    if (gate.qubits === 2) {
      if (text.charCodeAt(this.#at) !== 44 /* , */) return false;
      const second = this.#qubit(this.#at + (text.charCodeAt(this.#at + 1) === 32 ? 2 : 1));
      if (second === undefined) return false;
      qubits = [first, second];
    }
    if (text.charCodeAt(this.#at) !== 59 /* ; */) return false;
    scanner.end = this.#at + 1;
    this.#context.isAtEnd = true;
    scanner.next();
    this.#machine.plainGate(gate, params, qubits, start, end);
    return true;
  }

  /** The qubit of `name[index]`, which begins at `begin`. */
  #qubit(begin: number): number | undefined {
    const { text } = this.#context.scanner;
    if (!text.startsWith(this.#name, begin) || text.charCodeAt(begin + this.#name.length) !== 91 /* [ */) {
      if (!this.#findRegister(begin)) return undefined;
    }
    const digits = begin + this.#name.length + 1;
    let at = digits;
    let index = 0;
    for (let code = text.charCodeAt(at); code >= 48 && code <= 57; code = text.charCodeAt(++at)) {
      index = index * 10 + (code - 48);
    }
    if (at === digits || text.charCodeAt(at) !== 93 /* ] */) return undefined;
    this.#at = at + 1;
    return this.#items[index];
  }

  #findRegister(begin: number): boolean {
    const { text } = this.#context.scanner;
    const bracket = text.indexOf('[', begin);
    if (bracket - begin > 40) return false;
    const name = text.slice(begin, bracket);
    const register = this.#context.find(name);
    if (register?.kind !== 'qubits' || register.isSingle) return false;
    this.#name = name;
    this.#items = register.items;
    return true;
  }
}

/** Behind a number in its usual form: `-1.5e-7`. */
function endOfNumber(text: string, begin: number): number {
  let at = begin;
  if (text.charCodeAt(at) === 45 /* - */) at += 1;
  const digits = at;
  at = endOfDigits(text, at);
  if (at === digits) return begin;
  if (text.charCodeAt(at) === 46 /* . */) at = endOfDigits(text, at + 1);
  if (text.charCodeAt(at) !== 101 /* e */) return at;
  at += text.charCodeAt(at + 1) === 45 /* - */ ? 2 : 1;
  return endOfDigits(text, at);
}

function endOfDigits(text: string, begin: number): number {
  let at = begin;
  for (let code = text.charCodeAt(at); code >= 48 && code <= 57; code = text.charCodeAt(at)) at += 1;
  return at;
}
