// Everything that is known of one job: how it ended and why, its circuit, its counts, its times, and each attempt to deliver.
import type { JobDetail } from '../../api.ts';
import { confirmed, hasToken, perform } from '../actions.ts';
import { byId, h, svg, type Child } from '../dom.ts';
import { ask, errorText } from '../feed.ts';
import { circuitText, clock, counted, duration, number, wholeTime } from '../format.ts';
import { histogram } from '../histogram.ts';
import { outcomeMark } from '../outcome.ts';

const ENDS = { delivered: 'delivered', refused: 'refused', retry: 'to be tried again' } as const;
const DELIVERIES = {
  none: 'the cloud does not get it',
  waiting: 'waits for its delivery',
  delivered: 'delivered',
  refused: 'refused by the cloud, or dropped by the operator',
  cancelled: 'not delivered, since the cloud cancelled the job after its end',
} as const;

/** Shows a job over the page, until the reader closes it. */
export class DetailPanel {
  readonly #dialog = byId('detail') as HTMLDialogElement;
  #reading: AbortController | undefined;

  constructor() {
    // A click beside it closes it.
    this.#dialog.addEventListener('click', ({ target }) => {
      if (target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener('close', () => this.#reading?.abort());
  }

  async open(jobId: string): Promise<void> {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    this.#show(jobId, [h('p', { class: 'quiet' }, 'Reading …')]);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    try {
      const signal = reading.signal;
      const detail = await ask<JobDetail>(`/page/jobs/${encodeURIComponent(jobId)}`, { signal });
      if (!signal.aborted) this.#show(jobId, this.#body(detail), detail);
    } catch (thrown) {
      if (reading.signal.aborted) return;
      this.#show(jobId, [h('p', {}, errorText(thrown))]);
    }
  }

  #show(jobId: string, body: readonly Child[], detail?: JobDetail): void {
    const close = h('button', { type: 'button' }, 'Close');
    close.addEventListener('click', () => this.#dialog.close());
    const hadFocus = this.#dialog.contains(document.activeElement);
    this.#dialog.replaceChildren(
      h(
        'div',
        { class: 'head' },
        h('h2', { id: 'detail-title' }, h('span', { class: 'id' }, jobId)),
        detail === undefined ? undefined : outcomeMark(detail.outcome),
        close,
      ),
      h('div', { class: 'body' }, ...body),
    );
    if (hadFocus) close.focus();
  }

  #body(detail: JobDetail): Child[] {
    const { outcome, counts, drawing, deliveries, annotations } = detail;
    return [
      outcome === 'failed' ? failure(detail) : undefined,
      counts === null
        ? outcome === 'completed'
          ? part('Counts', h('p', { class: 'quiet' }, 'They were not kept here.'))
          : undefined
        : part('Counts', histogram(counts)),
      part(
        'Circuit',
        drawing === null
          ? h('p', { class: 'quiet' }, `${circuitText(detail.circuit)}. Its drawing was not kept here.`)
          : h(
              'div',
              { class: 'circuit', tabindex: 0, role: 'region', 'aria-label': 'Drawing of the circuit' },
              drawn(drawing),
            ),
      ),
      part('Times', ...times(detail)),
      part('Facts', facts(detail)),
      annotations.length === 0
        ? undefined
        : part(
            'Notes of plugins',
            h('dl', { class: 'pairs' }, ...annotations.map(({ key, value }) => pair(key, value))),
          ),
      part('Delivery', ...this.#delivery(detail), deliveries.length === 0 ? undefined : attempts(detail)),
    ];
  }

  #delivery({ delivery, jobId }: JobDetail): Child[] {
    if (delivery === null) return [h('p', { class: 'quiet' }, 'Nothing is known of it.')];
    const isOpen = delivery === 'refused' || delivery === 'waiting';
    return [
      h('p', {}, `Its result: ${DELIVERIES[delivery]}.`),
      isOpen && hasToken() ? resultButtons(jobId, delivery, () => void this.open(jobId)) : undefined,
    ];
  }
}

/** What an operator may do with a result that is not delivered. */
export function resultButtons(jobId: string, which: 'refused' | 'waiting', onDone: () => void): HTMLElement {
  const replay = h(
    'button',
    { type: 'button', class: 'small', 'aria-label': `Deliver ${jobId} again` },
    'Deliver again',
  );
  const drop = h(
    'button',
    { type: 'button', class: 'small', 'aria-label': `Drop the result of ${jobId}` },
    'Drop',
  );
  const done = async (doing: Promise<boolean>): Promise<void> => {
    if (await doing) onDone();
  };
  replay.addEventListener('click', () => void done(perform(replay, 'replay', { jobId })));
  drop.addEventListener('click', () => {
    const question = `Drop the result of ${jobId} for good? The cloud will never get it.`;
    void done(confirmed(question, 'Drop it').then((yes) => yes && perform(drop, 'drop', { jobId, which })));
  });
  return h('span', { class: 'buttons' }, which === 'refused' ? replay : undefined, drop);
}

function part(title: string, ...children: readonly Child[]): HTMLElement {
  return h('section', {}, h('h3', {}, title), ...children);
}

function pair(name: string, value: string): HTMLElement {
  return h('div', {}, h('dt', {}, name), h('dd', {}, value));
}

function failure({ errorText: text, error, where, stack }: JobDetail): HTMLElement {
  return part(
    `Failed${where === null ? '' : ` ${where}`}`,
    h('pre', { class: 'error' }, text ?? error ?? 'no reason is known'),
    stack === null ? undefined : h('details', { open: true }, h('summary', {}, 'Stack'), h('pre', {}, stack)),
  );
}

/** The node's own drawing: an SVG document, of which only the drawing is taken over. */
function drawn(document_: string): Child {
  const root = new DOMParser().parseFromString(document_, 'image/svg+xml').documentElement;
  return root.localName === 'svg' ? document.importNode(root, true) : 'It cannot be drawn here.';
}

function facts(detail: JobDetail): HTMLElement {
  const { circuit, executionTimeMs, shotsCompleted, executor, origin } = detail;
  const shots = circuit?.shots;
  return h(
    'dl',
    { class: 'pairs' },
    pair('From', origin === 'local' ? 'this machine' : 'the cloud'),
    circuit === null
      ? undefined
      : pair('Circuit', `${circuitText(circuit)}, ${counted(circuit.measurements, 'measurement')}`),
    shots === undefined
      ? undefined
      : pair('Shots', `${number(shots)}${shotsCompleted === null ? '' : `, ${number(shotsCompleted)} done`}`),
    executor === null ? undefined : pair('Executor', executor),
    executionTimeMs === null ? undefined : pair('On the device, it says', duration(executionTimeMs)),
  );
}

function times({ sentAt, takenAt, queuedAt, startedAt, endedAt }: JobDetail): Child[] {
  const steps = [
    { name: 'Sent by the cloud', at: sentAt },
    { name: 'Taken by this node', at: takenAt },
    { name: 'Ready for the device', at: queuedAt },
    { name: 'Run began', at: startedAt },
    { name: startedAt === null ? 'Ended, without a run' : 'Run ended', at: endedAt },
  ].flatMap(({ name, at }) => (at === null ? [] : [{ name, at }]));
  const first = steps[0]?.at ?? endedAt;
  const all = Math.max(endedAt - first, 0.001);
  const bar = svg('svg', { viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  const rows = steps.map(({ name, at }, index) => {
    const before = steps[index - 1]?.at ?? at;
    const isRun = startedAt !== null && at === endedAt && index === steps.length - 1;
    bar.append(
      svg('rect', {
        class: isRun ? 'ran' : 'wait',
        x: (100 * (before - first)) / all,
        width: Math.max(0, (100 * (at - before)) / all),
        height: 10,
        'stroke-width': 0.2,
      }),
    );
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      h('td', { title: wholeTime(at) }, clock(at)),
      h('td', { class: 'right' }, index === 0 ? '' : `+${duration(at - before)}`),
    );
  });
  const head = ['Step', 'Time', 'After the step before'].map((name, index) =>
    h('th', { scope: 'col', class: index === 2 ? 'right' : undefined }, name),
  );
  return [
    h('div', { class: 'steps' }, bar),
    h('table', {}, h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows)),
  ];
}

function attempts({ deliveries }: JobDetail): HTMLElement {
  return h(
    'table',
    {},
    h(
      'thead',
      {},
      h('tr', {}, ...['Attempt', 'Time', 'How it ended'].map((name) => h('th', { scope: 'col' }, name))),
    ),
    h(
      'tbody',
      {},
      ...deliveries.map(({ at, number: attempt, kind, reason }) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, String(attempt)),
          h('td', { title: wholeTime(at) }, clock(at)),
          h('td', {}, `${ENDS[kind]}${reason === null ? '' : `: ${reason}`}`),
        ),
      ),
    ),
  );
}
