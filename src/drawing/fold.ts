// Cuts the columns of a layout into pages that fit a width, and leaves out the middle of what is too long.
import type { Layout } from './layout.ts';

/** Columns from `from` up to, and without, `to`. */
export interface Page {
  readonly from: number;
  readonly to: number;
}

export interface Fold {
  readonly head: readonly Page[];
  /** What is left out between head and tail; undefined if nothing is. */
  readonly gap: Page | undefined;
  readonly tail: readonly Page[];
}

/**
 * As few pages as possible, each as wide as `room` allows, but with at least one column. If there would be more than
 * `most` (at least 2), the first half of them and the last are there, and what is between them is left out: so a drawing
 * costs no more than what is shown of it. A circuit without columns has one empty page.
 */
export function fold(columns: number, widthOf: (column: number) => number, room: number, most: number): Fold {
  if (columns === 0) return { head: [{ from: 0, to: 0 }], gap: undefined, tail: [] };
  const head = forward({ from: 0, to: columns }, widthOf, room, most);
  if (head.at(-1)?.to === columns) return { head, gap: undefined, tail: [] };
  const kept = head.slice(0, Math.ceil(most / 2));
  const end = kept.at(-1)?.to ?? 0;
  const tail = backward({ from: end, to: columns }, widthOf, room, most - kept.length);
  return { head: kept, gap: { from: end, to: tail[0]?.from ?? columns }, tail };
}

/** What is left out, in words. */
export function gapText(layout: Layout, { from, to }: Page): string {
  return `${layout.countIn(from, to)} gates in ${to - from} columns are left out`;
}

function forward(range: Page, widthOf: (column: number) => number, room: number, most: number): Page[] {
  const pages: Page[] = [];
  let from = range.from;
  while (from < range.to && pages.length < most) {
    let to = from + 1;
    let width = widthOf(from);
    for (; to < range.to; to++) {
      width += widthOf(to);
      if (width > room) break;
    }
    pages.push({ from, to });
    from = to;
  }
  return pages;
}

function backward(range: Page, widthOf: (column: number) => number, room: number, most: number): Page[] {
  const last = range.from + range.to - 1;
  const mirrored = forward(range, (column) => widthOf(last - column), room, most);
  return mirrored.map(({ from, to }) => ({ from: last + 1 - to, to: last + 1 - from })).toReversed();
}
