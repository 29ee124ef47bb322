// How the timeline draws: the patterns of the gaps, and the cross of a run that failed.
import type { GapReason } from '../api.ts';
import { colour, h } from './dom.ts';

/** How each reason is drawn: the pattern differs, and not the colour alone. */
export const GAPS: Readonly<Record<GapReason, { name: string; ink: string; pattern: Pattern } | undefined>> =
  {
    'between runs': undefined,
    'no jobs': { name: 'no jobs', ink: 'edge', pattern: 'line' },
    preparing: { name: 'preparing', ink: 'good', pattern: 'dots' },
    closed: { name: 'paused or held', ink: 'warn', pattern: 'stripes' },
    redis: { name: 'Redis down', ink: 'bad', pattern: 'full' },
    'held up': { name: 'held up', ink: 'quiet', pattern: 'bars' },
  };
type Pattern = 'line' | 'dots' | 'stripes' | 'full' | 'bars';

/** A sign and its name, for the legend. */
export function legendItem(name: string, draw: (context: CanvasRenderingContext2D) => void): HTMLElement {
  const canvas = h('canvas', { width: 36, height: 20, 'aria-hidden': 'true' });
  const context = canvas.getContext('2d');
  context?.scale(2, 2);
  if (context !== null) draw(context);
  return h('li', {}, canvas, name);
}

export function fillSign(context: CanvasRenderingContext2D, ink: CanvasPattern | string): void {
  context.fillStyle = ink;
  context.fillRect(0, 0, 18, 10);
}

/** A run that failed: a cross above it. */
export function drawCross(context: CanvasRenderingContext2D, x: number): void {
  context.strokeStyle = colour('bad');
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x - 3, 1);
  context.lineTo(x + 3, 7);
  context.moveTo(x + 3, 1);
  context.lineTo(x - 3, 7);
  context.stroke();
}

export function drawPattern(pattern: Pattern, ink: string, back: string): HTMLCanvasElement {
  const tile = h('canvas', { width: 6, height: 12 });
  const context = tile.getContext('2d');
  if (context === null) return tile;
  context.fillStyle = back;
  context.fillRect(0, 0, 6, 12);
  context.fillStyle = ink;
  context.strokeStyle = ink;
  switch (pattern) {
    case 'full':
      context.fillRect(0, 0, 6, 12);
      break;
    case 'line':
      context.fillRect(0, 5, 6, 1);
      break;
    case 'dots':
      for (const y of [1, 7]) {
        context.fillRect(1, y, 2, 2);
        context.fillRect(4, y + 3, 2, 2);
      }
      break;
    case 'bars':
      context.fillRect(0, 0, 2, 12);
      break;
    case 'stripes':
      context.lineWidth = 2;
      for (const y of [0, 6, 12, 18]) {
        context.beginPath();
        context.moveTo(0, y);
        context.lineTo(6, y - 6);
        context.stroke();
      }
  }
  return tile;
}
