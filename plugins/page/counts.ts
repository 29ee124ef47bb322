// Counts as a page can show them: the most frequent outcomes, and how much the others are together.
import type { CountsShown } from './api.ts';

const MOST = 64;

export function shownCounts(counts: Readonly<Record<string, number>>): CountsShown {
  const sorted = Object.entries(counts).toSorted(
    ([bits, count], [otherBits, other]) => other - count || (bits < otherBits ? -1 : 1),
  );
  const others = sorted.slice(MOST);
  return {
    top: sorted.slice(0, MOST).map(([bits, count]) => ({ bits, count })),
    others: others.length,
    otherCounts: sum(others),
    total: sum(sorted),
  };
}

function sum(counts: readonly (readonly [string, number])[]): number {
  return counts.reduce((total, [, count]) => total + count, 0);
}
