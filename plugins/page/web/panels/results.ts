// Results that have not reached the cloud: those that wait, and those that it refused.
import type { RefusedRow, Results, Snapshot, UndeliveredRow } from '../../api.ts';
import { hasToken } from '../actions.ts';
import { byId, h, show, type Child } from '../dom.ts';
import { ask } from '../feed.ts';
import { clock, counted } from '../format.ts';
import { resultButtons } from './detail.ts';

const WHAT_TO_DO = 'What to do';
const READ_EVERY_MS = 1_000;

export class ResultsPanel {
  readonly #openJob: (jobId: string) => void;
  #seen = '';
  #shown = '';
  #willRead = false;

  constructor(openJob: (jobId: string) => void) {
    this.#openJob = openJob;
  }

  /** Reads the list again if something has changed, and not more often than the node can bear. */
  follow({ counts: { undelivered, refused, delivered } }: Snapshot): void {
    // Without any, only the change to none matters.
    const seen = `${undelivered} ${refused} ${undelivered === 0 ? 0 : delivered}`;
    if (seen === this.#seen) return;
    this.#seen = seen;
    if (this.#willRead) return;
    this.#willRead = true;
    setTimeout(() => {
      this.#willRead = false;
      void this.read();
    }, READ_EVERY_MS);
  }

  async read(): Promise<void> {
    try {
      const results = await ask<Results>('/page/results');
      const content = JSON.stringify(results);
      if (content === this.#shown) return;
      this.#shown = content;
      this.#show(results);
    } catch {
      // The stream says that the node does not answer.
    }
  }

  #show(results: Results): void {
    const {
      refused,
      undelivered,
      refusedCount,
      undeliveredCount,
      replayingCount,
      deadLetterCount,
      problems,
    } = results;
    const isNone =
      refusedCount + undeliveredCount + replayingCount + (deadLetterCount ?? 0) + problems.length === 0;
    show(byId('results-none'), isNone);
    const list = byId('results-problems');
    show(list, problems.length > 0);
    list.replaceChildren(...problems.map((text) => h('li', { class: 'bad' }, text)));
    byId('results-tables').replaceChildren(
      ...[
        undeliveredCount === 0
          ? undefined
          : this.#table(
              `${counted(undeliveredCount, 'result')} to deliver`,
              ['Job', 'Ended', 'Attempts', 'Why the last one failed'],
              undelivered.map((row) => this.#undelivered(row)),
              undeliveredCount,
            ),
        refusedCount === 0
          ? undefined
          : this.#table(
              counted(refusedCount, 'refused result'),
              ['Job', 'Refused', 'Why'],
              refused.map((row) => this.#refused(row)),
              refusedCount,
            ),
        replayingCount === 0
          ? undefined
          : h('p', {}, `${counted(replayingCount, 'refused result')} will be delivered once more.`),
        deadLetterCount === null || deadLetterCount === 0
          ? undefined
          : h(
              'p',
              {},
              `${counted(deadLetterCount, 'message')} set aside, since no job could be read from it: coda results`,
            ),
      ].filter((child) => child !== undefined),
    );
  }

  #table(
    title: string,
    columns: readonly string[],
    rows: readonly HTMLElement[],
    count: number,
  ): HTMLElement {
    const names = hasToken() ? [...columns, WHAT_TO_DO] : columns;
    return h(
      'section',
      {},
      h('h3', {}, title),
      h(
        'div',
        { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': title },
        h(
          'table',
          {},
          h(
            'thead',
            {},
            h(
              'tr',
              {},
              ...names.map((name) => h('th', { scope: 'col', class: name === WHAT_TO_DO && 'right' }, name)),
            ),
          ),
          h('tbody', {}, ...rows),
        ),
      ),
      count > rows.length
        ? h('p', { class: 'quiet' }, `The oldest ${rows.length}. All: coda results`)
        : undefined,
    );
  }

  #undelivered({ jobId, endedAt, attempts, error, callbackOrigin, isDropping }: UndeliveredRow): HTMLElement {
    const why = isDropping
      ? 'given up: dropped as soon as no attempt is under way'
      : (error ?? 'none has failed');
    return this.#row(jobId, 'waiting', [
      h('td', {}, endedAt === null ? '–' : clock(endedAt)),
      h('td', {}, String(attempts)),
      h('td', {}, `${why} (${callbackOrigin})`),
    ]);
  }

  #refused({ jobId, refusedAt, reason, callbackOrigin }: RefusedRow): HTMLElement {
    return this.#row(jobId, 'refused', [
      h('td', {}, refusedAt === null ? '–' : clock(refusedAt)),
      h('td', {}, `${reason} (${callbackOrigin})`),
    ]);
  }

  #row(jobId: string, which: 'refused' | 'waiting', cells: readonly Child[]): HTMLElement {
    const open = h('button', { type: 'button', class: 'link id' }, jobId);
    open.addEventListener('click', () => this.#openJob(jobId));
    const buttons = hasToken()
      ? h(
          'td',
          {},
          resultButtons(jobId, which, () => void this.read()),
        )
      : undefined;
    return h('tr', {}, h('td', {}, open), ...cells, buttons);
  }
}
