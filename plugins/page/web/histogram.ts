// Counts as bars, in a table, so that they can be read as well as seen.
import type { CountsShown } from '../api.ts';
import { h, svg } from './dom.ts';
import { number, share } from './format.ts';

export function histogram({ top, others, otherCounts, total }: CountsShown): HTMLElement {
  const most = Math.max(1, ...top.map(({ count }) => count));
  const row = (name: string, count: number, bar: number): HTMLElement =>
    h(
      'tr',
      {},
      h('th', { scope: 'row', class: 'id' }, name),
      h(
        'td',
        { class: 'bar' },
        svg(
          'svg',
          { viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
          svg('rect', { width: bar > 0 ? Math.max(0.5, 100 * bar) : 0, height: 10 }),
        ),
      ),
      h('td', { class: 'right' }, number(count)),
      h('td', { class: 'right' }, total === 0 ? '' : share(count / total)),
    );
  return h(
    'table',
    { class: 'histogram' },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', { scope: 'col' }, 'Bits'),
        h('td', {}),
        h('th', { scope: 'col', class: 'right' }, 'Counts'),
        h('th', { scope: 'col', class: 'right' }, 'Share'),
      ),
    ),
    h(
      'tbody',
      {},
      ...top.map(({ bits, count }) => row(bits === '' ? '(nothing measured)' : bits, count, count / most)),
      others === 0 ? undefined : row(`${number(others)} more`, otherCounts, 0),
    ),
  );
}
