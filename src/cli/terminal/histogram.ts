// Counts as a small bar chart for a terminal.
import { paint, type Output } from './output.ts';

const BAR_WIDTH = 24;
const SHOWN_OUTCOMES = 8;
/** Eighths of a full block, from one to eight. */
const BLOCKS = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'] as const;

/**
 * One line for each of the eight most frequent outcomes (bitstring, bar, count, share of all counts), the most
 * frequent first, and one line for the rest. The longest bar belongs to the most frequent outcome.
 */
export function histogram(counts: Readonly<Record<string, number>>, out: Output): string[] {
  const outcomes = Object.entries(counts).toSorted(
    ([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1),
  );
  if (outcomes.length === 0) return ['no counts'];
  const total = sum(outcomes);
  const rest = outcomes.slice(SHOWN_OUTCOMES);
  const rows = outcomes.slice(0, SHOWN_OUTCOMES).map(([outcome, count]) => ({
    label: outcome === '' ? '(nothing measured)' : outcome,
    count,
    bar: count,
  }));
  if (rest.length > 0) rows.push({ label: `${rest.length} more`, count: sum(rest), bar: 0 });

  const labelWidth = Math.max(...rows.map(({ label }) => label.length));
  const countWidth = Math.max(...rows.map(({ count }) => String(count).length));
  const longest = Math.max(...rows.map(({ bar }) => bar));
  return rows.map(({ label, count, bar }) => {
    const share = total === 0 ? 0 : (100 * count) / total;
    const padded = barOf(longest === 0 ? 0 : bar / longest).padEnd(BAR_WIDTH);
    const numbers = `${String(count).padStart(countWidth)}  ${share.toFixed(1).padStart(5)} %`;
    return `${label.padEnd(labelWidth)}  ${paint(out, 'cyan', padded)}  ${numbers}`;
  });
}

/** A bar of `fraction` (0 to 1) of the full width; any fraction above 0 shows at least a sliver. */
function barOf(fraction: number): string {
  const eighths = fraction === 0 ? 0 : Math.max(1, Math.round(fraction * BAR_WIDTH * 8));
  const last = BLOCKS[(eighths % 8) - 1] ?? '';
  return BLOCKS[7].repeat(Math.floor(eighths / 8)) + last;
}

function sum(outcomes: readonly (readonly [string, number])[]): number {
  return outcomes.reduce((total, [, count]) => total + count, 0);
}
