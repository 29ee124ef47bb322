// The device's qubits and couplings as a graph; those that a circuit uses at this moment are lit.
import type { DeviceMap, Edge } from '../../api.ts';
import { byId, setAttribute, setText, svg } from '../dom.ts';
import { ask } from '../feed.ts';
import { counted } from '../format.ts';
import { layOut, onCircle, type Qubit } from '../graph-layout.ts';

/** More is no picture, and takes seconds to lay out. */
const MOST_DRAWN = 1_500;
/** Without a list, all pairs are coupled: only of a few qubits is that a picture. */
const MOST_PAIRED = 40;
/** Runs are often shorter than the time between two looks. */
const LIT_MS = 1_000;
const LISTED_EDGES = 8;
/** Around the drawing, and the size that a small device is not enlarged from. */
const RIM = 16;
const SMALLEST = 260;

export class DevicePanel {
  #lines = new Map<string, SVGElement>();
  #qubits: SVGElement[] = [];
  /** Until when each edge is lit. */
  readonly #lit = new Map<string, number>();
  #drawn = '';

  /** Reads the device, and draws it if it is another one. */
  async read(): Promise<void> {
    try {
      const map = await ask<DeviceMap>('/page/device');
      const content = JSON.stringify(map);
      if (content === this.#drawn) return;
      this.#drawn = content;
      await this.#show(map);
    } catch {
      // The stream says that the node does not answer.
    }
  }

  /** Lights what the circuits on the device couple. */
  light(busy: readonly Edge[], now: number): void {
    for (const edge of busy) this.#lit.set(keyOf(edge), now + LIT_MS);
    const names: string[] = [];
    const litQubits = new Set<string>();
    for (const [key, until] of this.#lit) {
      if (until < now) this.#lit.delete(key);
      else {
        names.push(key);
        for (const qubit of key.split('–')) litQubits.add(qubit);
      }
    }
    for (const [key, line] of this.#lines) setAttribute(line, 'class', this.#lit.has(key) && 'busy');
    this.#qubits.forEach((qubit, index) =>
      setAttribute(qubit, 'class', litQubits.has(String(index)) && 'busy'),
    );
    const more = names.length > LISTED_EDGES ? ` and ${names.length - LISTED_EDGES} more` : '';
    setText(
      byId('device-busy'),
      names.length === 0
        ? 'No coupling is in use.'
        : `In use: ${names.slice(0, LISTED_EDGES).join(', ')}${more}`,
    );
  }

  async #show({ qubits, edges, directed, target }: DeviceMap): Promise<void> {
    this.#lines.clear();
    this.#qubits = [];
    const place = byId('device-graph');
    place.replaceChildren();
    const gates = target === null ? '' : `, gates: ${target}`;
    if (qubits === null) {
      setText(byId('device-text'), 'The device is not known yet.');
      return;
    }
    const couplings =
      edges === null
        ? 'no list of couplings: any pair'
        : counted(edges.length, directed ? 'directed coupling' : 'coupling');
    const text = `${counted(qubits, 'qubit')}, ${couplings}${gates}`;
    setText(byId('device-text'), qubits > MOST_DRAWN ? `${text}. It is too large to be drawn.` : text);
    if (qubits > MOST_DRAWN) return;
    const shown = edges ?? (qubits <= MOST_PAIRED ? allPairs(qubits) : []);
    const nodes = edges === null ? onCircle(qubits) : await layOut(qubits, shown);
    const graph = this.#graph(nodes, shown, directed, text);
    setAttribute(graph, 'class', edges === null && 'paired');
    place.replaceChildren(graph);
  }

  #graph(nodes: readonly Qubit[], edges: readonly Edge[], isDirected: boolean, text: string): SVGElement {
    const xs = nodes.map(({ x = 0 }) => x);
    const ys = nodes.map(({ y = 0 }) => y);
    const middle = [xs, ys].map((values) => (Math.min(...values) + Math.max(...values)) / 2);
    const size = [xs, ys].map((values) =>
      Math.max(SMALLEST, Math.max(...values) - Math.min(...values) + 2 * RIM),
    );
    const [left, top] = middle.map((value, axis) => value - (size[axis] ?? 0) / 2);
    const root = svg('svg', {
      viewBox: [left, top, ...size].join(' '),
      role: 'img',
      'aria-label': `Connectivity: ${text}`,
    });
    for (const edge of edges) {
      const [from, to] = [nodes[edge[0]], nodes[edge[1]]];
      if (from === undefined || to === undefined) continue;
      const line = svg('line', { x1: from.x, y1: from.y, x2: to.x, y2: to.y });
      this.#lines.set(keyOf(edge), line);
      root.append(line);
      if (isDirected) root.append(arrow(from, to));
    }
    for (const { index, x, y } of nodes) {
      const qubit = svg(
        'g',
        { transform: `translate(${x} ${y})` },
        svg('circle', { r: 10 }),
        svg('text', { 'font-size': index > 99 ? 8 : 10 }, String(index)),
      );
      this.#qubits.push(qubit);
      root.append(qubit);
    }
    return root;
  }
}

/** The same for both directions. */
function keyOf([from, to]: Edge): string {
  return from < to ? `${from}–${to}` : `${to}–${from}`;
}

function allPairs(qubits: number): Edge[] {
  return Array.from({ length: qubits }, (_, from) =>
    Array.from({ length: qubits - from - 1 }, (__, next): Edge => [from, from + next + 1]),
  ).flat();
}

/** In the middle of an edge. */
function arrow(from: Qubit, to: Qubit): SVGElement {
  const [dx, dy] = [(to.x ?? 0) - (from.x ?? 0), (to.y ?? 0) - (from.y ?? 0)];
  const angle = (Math.atan2(dy, dx) * 180) / Math.PI;
  const middle = `translate(${((from.x ?? 0) + (to.x ?? 0)) / 2} ${((from.y ?? 0) + (to.y ?? 0)) / 2}) rotate(${angle})`;
  return svg('path', { class: 'arrow', d: 'M-4 -4L4 0L-4 4Z', transform: middle });
}
