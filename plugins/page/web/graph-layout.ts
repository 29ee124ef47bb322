// Where the qubits of a device are drawn. d3-force does the fine work. What it starts from decides whether edges cross, so each
// qubit begins where its distances to four qubits at the rim of the graph put it.
import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type SimulationNodeDatum,
} from 'd3-force';
import type { Edge } from '../api.ts';

const TICKS = 300;
/** Laid out in pieces, so that the page stays quick. */
const TICKS_AT_ONCE = 15;
const SPACING = 30;

export interface Qubit extends SimulationNodeDatum {
  readonly index: number;
}

export async function layOut(qubits: number, edges: readonly Edge[]): Promise<Qubit[]> {
  const known = edges.filter((ends) => ends.every((end) => end < qubits));
  const nodes = begin(qubits, known);
  const simulation = forceSimulation(nodes)
    .force(
      'link',
      forceLink(known.map(([source, target]) => ({ source, target })))
        .distance(SPACING)
        .strength(1)
        .iterations(2),
    )
    .force(
      'charge',
      forceManyBody()
        .strength(-90)
        .distanceMax(12 * SPACING),
    )
    .force('collide', forceCollide(13))
    // A device that is not connected stays together.
    .force('x', forceX(0).strength(0.02))
    .force('y', forceY(0).strength(0.03))
    .stop();
  for (let ticks = 0; ticks < TICKS; ticks += TICKS_AT_ONCE) {
    simulation.tick(TICKS_AT_ONCE);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return nodes;
}

/** On a circle, in their order. */
export function onCircle(qubits: number): Qubit[] {
  const radius = Math.max(SPACING, (qubits * SPACING) / (2 * Math.PI));
  return Array.from({ length: qubits }, (_, index) => {
    const angle = (2 * Math.PI * index) / qubits - Math.PI / 2;
    return { index, x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
  });
}

function begin(qubits: number, edges: readonly Edge[]): Qubit[] {
  const next: number[][] = Array.from({ length: qubits }, () => []);
  for (const [from, to] of edges) {
    next[from]?.push(to);
    next[to]?.push(from);
  }
  const left = distances(next, farthest(distances(next, 0)));
  const right = distances(next, farthest(left));
  const across = left.map((distance, at) => distance - (right[at] ?? 0));
  const beside = left.map(
    (distance, at) => 2 * Math.min(distance, right[at] ?? 0) - Math.abs(across[at] ?? 0),
  );
  const top = distances(next, farthest(beside));
  const bottom = distances(next, farthest(top));
  return left.map((_, index) => ({
    index,
    // Not quite on a grid: two at the same place would not get apart.
    x: (across[index] ?? 0) * 12 + (index % 7) * 0.3,
    y: ((top[index] ?? 0) - (bottom[index] ?? 0)) * 12 + (index % 5) * 0.3,
  }));
}

/** The number of edges from one qubit to each; to those that it is not connected to, the number of qubits. */
function distances(next: readonly (readonly number[])[], from: number): number[] {
  const found = next.map(() => next.length);
  found[from] = 0;
  const queue = [from];
  for (const at of queue) {
    for (const neighbour of next[at] ?? []) {
      if (found[neighbour] !== next.length) continue;
      found[neighbour] = (found[at] ?? 0) + 1;
      queue.push(neighbour);
    }
  }
  return found;
}

function farthest(values: readonly number[]): number {
  return values.indexOf(values.reduce((most, value) => Math.max(most, value), -Infinity));
}
