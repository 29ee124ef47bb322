// Reads `gateStatement` of the grammar, and `opaque` of OpenQASM 2.
import type { Context } from './context.ts';
import { Fault, quoted } from './diagnostics.ts';
import { isSameGate } from './equivalence.ts';
import { DEEPEST_GATE, type GateBody, type GateDefinition, type Place, type Statement } from './gate.ts';
import type { Statements } from './statements.ts';
import { NO_TURN } from './turn.ts';

type Name = Place & { readonly word: string };

/** Reads `gate name(params) qubits { … }` and declares it. `kind` is what its body counts as. */
export function readGate(
  context: Context,
  statements: Statements,
  kind: 'standard' | 'defined',
): GateDefinition {
  const { scanner, problems } = context;
  scanner.next();
  const name = context.newName();
  const outerSlots = context.slots;
  const before = problems.count;
  let gate: GateDefinition = { name: name.word, params: 0, qubits: 0, depth: 0, body: { kind: 'broken' } };
  try {
    const { params, qubits } = readHead(context);
    const body = context.inScope(true, (): GateBody => {
      params.forEach((param, slot) => context.declare(param, { kind: 'variable', type: 'float', slot }));
      qubits.forEach((qubit, index) => context.declare(qubit, { kind: 'argument', index }));
      context.slots = params.length;
      context.defining = name.word;
      const read = statements.block();
      return { kind, statements: read, slots: context.slots };
    });
    const depth = body.kind === kind ? 1 + depthOf(body.statements) : 0;
    if (depth > DEEPEST_GATE)
      throw new Fault(name.at, name.end, `more than ${DEEPEST_GATE} gates inside one another`);
    const isBroken = problems.count > before;
    gate = {
      name: name.word,
      params: params.length,
      qubits: qubits.length,
      depth,
      body: isBroken ? { kind: 'broken' } : body,
    };
    declareGate(context, name, kind === 'defined' && !isBroken ? withNative(context, gate) : gate);
  } catch (thrown) {
    if (!context.gates.has(name.word)) context.defineGate(gate);
    throw thrown;
  } finally {
    context.slots = outerSlots;
    context.defining = undefined;
  }
  return gate;
}

/** `opaque name(params) qubits;`. A gate that this reader knows keeps its meaning; `delay` is the target's `id`. */
export function readOpaque(context: Context): void {
  const { scanner } = context;
  scanner.next();
  const name = context.newName();
  const { params, qubits } = readHead(context);
  context.endStatement();
  const standard = context.standard.find(name.word);
  if (standard?.params === params.length && standard.qubits === qubits.length) return;
  const shape = { name: name.word, params: params.length, qubits: qubits.length, depth: 0 };
  if (name.word === 'delay' && params.length === 1 && qubits.length === 1) {
    context.problems.warn(
      name.at,
      name.end,
      'OpenQASM 2 has no units of time: a delay is taken in nanoseconds',
      {
        hint: 'Write the program in OpenQASM 3 for another unit.',
      },
    );
    return declareGate(context, name, {
      ...shape,
      native: 'id',
      body: { kind: 'turn', controls: 0, turn: () => NO_TURN },
    });
  }
  return declareGate(context, name, { ...shape, body: { kind: 'opaque' } });
}

function readHead(context: Context): { readonly params: readonly Name[]; readonly qubits: readonly Name[] } {
  const params: Name[] = [];
  if (context.take('(')) {
    while (context.scanner.kind !== ')') {
      params.push(context.newName());
      if (!context.take(',')) break;
    }
    context.expect(')');
  }
  // The language wants a qubit; Qiskit writes a gate for the global phase without one.
  if (context.is('{') && context.version === 3) return { params, qubits: [] };
  const qubits = [context.newName()];
  while (context.take(',')) qubits.push(context.newName());
  return { params, qubits };
}

function declareGate(context: Context, { word, at, end }: Name, gate: GateDefinition): void {
  const known = context.gates.get(word);
  if (known !== undefined && known.body.kind !== 'broken') {
    throw new Fault(at, end, `gate ${quoted(word)} is defined twice`, {
      hint: 'Give one of the two another name.',
    });
  }
  if (context.find(word) !== undefined) {
    throw new Fault(at, end, `${quoted(word)} is declared already`, { hint: 'Give the gate another name.' });
  }
  context.defineGate(gate);
}

/** A native gate that the program defines for tools that do not have it is still the native one. */
function withNative(context: Context, gate: GateDefinition): GateDefinition {
  const standard = context.standard.find(gate.name);
  if (standard?.native === undefined || !isSameGate(gate, standard)) return gate;
  return { ...gate, native: standard.native };
}

function depthOf(statements: readonly Statement[]): number {
  return statements.reduce((deepest, statement) => {
    if (statement.kind === 'call') return Math.max(deepest, statement.gate.depth);
    return statement.kind === 'for' || statement.kind === 'box'
      ? Math.max(deepest, depthOf(statement.body))
      : deepest;
  }, 0);
}
