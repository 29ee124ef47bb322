// What the parts of the reader share while they read one program: the tokens, the names, and what was wrong so far.
import { nearest } from '../nearest.ts';
import { Fault, quoted, type Problems } from './diagnostics.ts';
import type { ValueType } from './expression.ts';
import type { GateDefinition, Place } from './gate.ts';
import { DEFINING_WORDS, RESERVED_WORDS } from './words.ts';
import { Scanner } from './scanner.ts';
import type { TokenKind } from './tokens.ts';

export type NamedThing =
  | { readonly kind: 'constant'; readonly type: ValueType; readonly value: number }
  | { readonly kind: 'variable'; readonly type: ValueType; readonly slot: number }
  /** A register or an alias; a single one has no index. */
  | { readonly kind: 'qubits' | 'bits'; readonly items: readonly number[]; readonly isSingle: boolean }
  /** A qubit that a gate is given. */
  | { readonly kind: 'argument'; readonly index: number }
  /** Its declaration has a fault, which is noted already. */
  | { readonly kind: 'broken' };

interface StandardGates {
  find(name: string): GateDefinition | undefined;
  names(): readonly string[];
}

/** The names of one block; those of the blocks around it are seen too. */
class Scope {
  readonly names = new Map<string, NamedThing>();
  readonly parent: Scope | undefined;
  readonly isGate: boolean;

  constructor(parent?: Scope, isGate = false) {
    this.parent = parent;
    this.isGate = isGate;
  }
}

/** How many blocks may be inside one another, and parentheses in an expression. */
const DEEPEST_NESTING = 100;
/** Names that a misspelled one is compared with. */
const MOST_COMPARED = 1_000;

export class Context {
  readonly scanner: Scanner;
  readonly problems: Problems;
  /** Gates that the program need not define. */
  readonly standard: StandardGates;
  /** Those that the program defines. */
  readonly gates = new Map<string, GateDefinition>();
  version: 2 | 3 = 3;
  /** Places for values in the frame of the gate, or of the program. */
  slots = 0;
  /** The gate whose definition is being read. */
  defining: string | undefined;
  /** Whether the statement is read to its end: after a fault, nothing of it has to be skipped. */
  isAtEnd = false;
  readonly #known = new Map<string, GateDefinition>();
  #scope = new Scope();
  #nesting = 0;

  constructor(text: string, problems: Problems, standard: StandardGates) {
    this.scanner = new Scanner(text);
    this.problems = problems;
    this.standard = standard;
  }

  get isInGate(): boolean {
    for (let scope: Scope | undefined = this.#scope; scope !== undefined; scope = scope.parent) {
      if (scope.isGate) return true;
    }
    return false;
  }

  get isGlobal(): boolean {
    return this.#scope.parent === undefined;
  }

  /** Goes over a token of this kind. */
  expect(kind: TokenKind, where = ''): void {
    if (this.scanner.kind !== kind) throw this.unexpected(`'${kind}'${where}`);
    this.scanner.next();
  }

  /** Goes over the `;` of a statement. */
  endStatement(): void {
    const { scanner } = this;
    if (scanner.kind !== ';') throw this.#noSemicolon();
    this.isAtEnd = true;
    scanner.next();
  }

  /** If the next token is on another line, it most likely begins the next statement. */
  #noSemicolon(): Fault {
    const { text, before, start } = this.scanner;
    const isElsewhere = text.slice(before, start).includes('\n');
    if (!isElsewhere) return this.unexpected("';'");
    this.isAtEnd = true;
    return new Fault(before, before, "there is no ';' behind this statement", { expected: "';'" });
  }

  /** Goes over a token of this kind if there is one. */
  take(kind: TokenKind): boolean {
    if (this.scanner.kind !== kind) return false;
    this.scanner.next();
    return true;
  }

  /** Whether this is the token. */
  is(kind: TokenKind): boolean {
    return this.scanner.kind === kind;
  }

  isWord(word: string): boolean {
    return this.scanner.kind === 'name' && this.scanner.word === word;
  }

  /** Goes over a name that is declared here. */
  newName(): Place & { readonly word: string } {
    const { scanner } = this;
    const { kind, start: at, end, word } = scanner;
    if (kind !== 'name') throw this.unexpected('a name');
    if (RESERVED_WORDS.has(word) && (this.version === 3 || DEFINING_WORDS.has(word))) {
      throw new Fault(at, end, `${quoted(word)} is a word of the language, and cannot be a name`, {
        hint: 'Choose another name.',
      });
    }
    scanner.next();
    return { at, end, word };
  }

  declare({ word, at, end }: Place & { readonly word: string }, thing: NamedThing): void {
    const isTaken = this.#scope.names.has(word) || (this.isGlobal && this.gates.has(word));
    if (isTaken) {
      throw new Fault(at, end, `${quoted(word)} is declared twice`, {
        hint: 'Give one of the two another name.',
      });
    }
    this.#scope.names.set(word, thing);
  }

  /** A name whose declaration has a fault: what uses it is not told again. */
  markBroken(word: string): void {
    if (!this.#scope.names.has(word)) this.#scope.names.set(word, { kind: 'broken' });
  }

  /** What a name stands for; undefined if nothing. */
  find(word: string): NamedThing | undefined {
    let isHidden = false;
    for (let scope: Scope | undefined = this.#scope; scope !== undefined; scope = scope.parent) {
      const found = scope.names.get(word);
      // A gate sees the constants of the program, but not its registers.
      if (found !== undefined && !(isHidden && (found.kind === 'qubits' || found.kind === 'bits')))
        return found;
      isHidden ||= scope.isGate;
    }
    return undefined;
  }

  /** Names a fault once: what else has the name follows from it. */
  undeclared(word: string, at: number, end: number, what: string): Fault {
    const known: string[] = [];
    for (let scope: Scope | undefined = this.#scope; scope !== undefined; scope = scope.parent) {
      for (const name of scope.names.keys()) if (known.length < MOST_COMPARED) known.push(name);
    }
    const near = nearest(word, known);
    this.#scope.names.set(word, { kind: 'broken' });
    return new Fault(at, end, `there is no ${what} ${quoted(word)}`, {
      hint: near === undefined ? 'Declare it first.' : `Did you mean ${quoted(near)}?`,
    });
  }

  /** A gate that the program defines, or a standard one; undefined if there is none. */
  knownGate(word: string): GateDefinition | undefined {
    const known = this.#known.get(word);
    if (known !== undefined) return known;
    const found = this.gates.get(word) ?? this.standard.find(word);
    // Of OpenQASM 3, although it looks like a gate.
    if (found === undefined || (found.body.kind === 'phase' && this.version === 2)) return undefined;
    if (found.body.kind !== 'broken') this.#known.set(word, found);
    return found;
  }

  /** A gate that has been called before. */
  calledGate(word: string): GateDefinition | undefined {
    return this.#known.get(word);
  }

  defineGate(gate: GateDefinition): void {
    this.gates.set(gate.name, gate);
    this.#known.delete(gate.name);
  }

  /** The fault of a gate that there is not. It is told once: later calls are known to be wrong. */
  noGate(word: string, at: number, end: number): Fault {
    if (word === this.defining) {
      return new Fault(at, end, `gate ${quoted(word)} calls itself`, {
        hint: 'A gate consists of gates defined before it.',
      });
    }
    const known = [...this.standard.names(), ...this.gates.keys()].slice(0, MOST_COMPARED);
    const near = nearest(word, known);
    this.defineGate({ name: word, params: 0, qubits: 0, depth: 0, body: { kind: 'broken' } });
    return new Fault(at, end, `there is no gate ${quoted(word)}`, {
      hint: near === undefined ? 'Define it with `gate` before it is used.' : `Did you mean ${quoted(near)}?`,
    });
  }

  /** Reads something with names of its own: a block, or a gate. */
  inScope<T>(isGate: boolean, read: () => T): T {
    const outer = this.#scope;
    this.#scope = new Scope(outer, isGate);
    try {
      return this.nested(read);
    } finally {
      this.#scope = outer;
    }
  }

  /** Reads something that may be inside itself. */
  nested<T>(read: () => T): T {
    if (this.#nesting >= DEEPEST_NESTING) {
      const { start, end } = this.scanner;
      throw new Fault(start, end, `more than ${DEEPEST_NESTING} levels inside one another`);
    }
    this.#nesting += 1;
    try {
      return read();
    } finally {
      this.#nesting -= 1;
    }
  }

  /** The fault of a token that cannot stand here. */
  unexpected(expected: string): Fault {
    const { kind, start, end, text } = this.scanner;
    if (kind === 'end') return new Fault(start, end, 'the program ends here too early', { expected });
    return new Fault(start, end, `${quoted(text.slice(start, end))} cannot stand here`, { expected });
  }

  /** Reads statements with `read`; one that has a fault is noted and left out. */
  attempt(read: () => void): void {
    this.isAtEnd = false;
    try {
      read();
    } catch (thrown) {
      this.problems.note(thrown);
      this.#recover();
    }
  }

  #recover(): void {
    if (!this.isAtEnd) this.scanner.skipStatement();
    else this.scanner.end = this.scanner.start;
    for (;;) {
      try {
        this.scanner.next();
        return;
      } catch (thrown) {
        this.problems.note(thrown);
      }
    }
  }
}
