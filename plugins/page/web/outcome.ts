// How a job ended, as a sign and a word.
import type { JobOutcome } from '../api.ts';
import { h } from './dom.ts';

const SIGNS: Readonly<Record<JobOutcome, string>> = {
  completed: '✓',
  failed: '✕',
  cancelled: '⊘',
  // A message from which no job could be read.
  'dead-letter': '?',
};

export function outcomeMark(outcome: JobOutcome): HTMLElement {
  return h(
    'span',
    { class: 'outcome', 'data-outcome': outcome },
    h('span', { 'aria-hidden': 'true' }, SIGNS[outcome]),
    h('span', { class: 'word' }, outcome === 'dead-letter' ? 'not a job' : outcome),
  );
}
