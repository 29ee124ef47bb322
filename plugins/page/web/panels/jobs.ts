// The last jobs: live while the newest are shown, with a search, outcomes, and pages of older ones. The table never has more
// than one page of rows.
import type { JobRow, JobsEvent, JobsPage } from '../../api.ts';
import { byId, h, keyedList, onceAFrame, setText, show } from '../dom.ts';
import { ask, errorText } from '../feed.ts';
import { circuitText, clock, counted, duration } from '../format.ts';
import { outcomeMark } from '../outcome.ts';

const ROWS = 50;
const TYPING_MS = 200;
/** With a search, jobs that were left out of an event may be among those wanted: the list is read again, not more often. */
const READ_AGAIN_MS = 2_000;

export interface JobsOptions {
  readonly now: () => number;
  readonly openJob: (jobId: string) => void;
}

export class JobsPanel {
  readonly #options: JobsOptions;
  readonly #search = byId('jobs-search') as HTMLInputElement;
  readonly #outcome = byId('jobs-outcome') as HTMLSelectElement;
  readonly #body = byId('jobs-rows');
  #rows: JobRow[] = [];
  /** Where the page after this one begins. */
  #next: string | null = null;
  /** False on a page of older jobs, which stays as it is. */
  #isNewest = true;
  /** Jobs that ended while the reader was at the table. */
  #held = 0;
  #reading: AbortController | undefined;
  #willRead = false;
  #error: string | undefined;
  #hasRead = false;
  readonly #redraw = onceAFrame(() => this.#draw());

  readonly #list = keyedList<JobRow, HTMLTableRowElement>(this.#body, {
    key: keyOf,
    create: (row) => this.#createRow(row),
  });

  constructor(options: JobsOptions) {
    this.#options = options;
    let typing: ReturnType<typeof setTimeout> | undefined;
    this.#search.addEventListener('input', () => {
      clearTimeout(typing);
      typing = setTimeout(() => void this.read(), TYPING_MS);
    });
    this.#outcome.addEventListener('change', () => void this.read());
    byId('jobs-form').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.read();
    });
    byId('jobs-older').addEventListener('click', () => void this.#readOlder());
    byId('jobs-newest').addEventListener('click', () => void this.read());
    for (const event of ['pointerleave', 'focusout']) {
      byId('jobs-scroll').addEventListener(event, () => this.#redraw());
    }
  }

  /** Reads the newest page, or the one before `before`. */
  async read(before: string | null = null): Promise<void> {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    const query = new URLSearchParams({ limit: String(ROWS) });
    if (this.#search.value.trim() !== '') query.set('search', this.#search.value.trim());
    if (this.#outcome.value !== '') query.set('outcome', this.#outcome.value);
    if (before !== null) query.set('before', before);
    try {
      const page = await ask<JobsPage>(`/page/jobs?${query}`, { signal: reading.signal });
      this.#rows = [...page.jobs];
      this.#next = page.next;
      this.#isNewest = before === null;
      this.#error = undefined;
      this.#held = 0;
      this.#hasRead = true;
      if (before !== null) byId('jobs-scroll').scrollTop = 0;
    } catch (thrown) {
      if (reading.signal.aborted) return;
      this.#error = errorText(thrown);
    }
    this.#draw(true);
  }

  /** Of the newest page, the end is only known once it is read: it moves with each job. */
  async #readOlder(): Promise<void> {
    if (this.#isNewest) await this.read();
    if (this.#next !== null) await this.read(this.#next);
  }

  add({ jobs, leftOut }: JobsEvent): void {
    if (!this.#isNewest) return;
    const wanted = jobs.filter((row) => this.#isWanted(row));
    if (leftOut > 0 && this.#isFiltered() && !this.#willRead) {
      this.#willRead = true;
      setTimeout(() => {
        this.#willRead = false;
        if (this.#isNewest) void this.read();
      }, READ_AGAIN_MS);
    }
    if (wanted.length === 0) return;
    const known = new Set(wanted.map(keyOf));
    const older = this.#rows.filter((row) => !known.has(keyOf(row)));
    this.#rows = [...wanted, ...(leftOut > 0 && !this.#isFiltered() ? [] : older)].slice(0, ROWS);
    this.#held += wanted.length + (this.#isFiltered() ? 0 : leftOut);
    this.#redraw();
  }

  #isFiltered(): boolean {
    return this.#search.value.trim() !== '' || this.#outcome.value !== '';
  }

  #isWanted({ jobId, outcome }: JobRow): boolean {
    const [search, wanted] = [this.#search.value.trim(), this.#outcome.value];
    return (wanted === '' || outcome === wanted) && (search === '' || jobId.includes(search));
  }

  /** Rows do not move away under the pointer or the keys. */
  #isInUse(): boolean {
    return this.#body.matches(':hover') || this.#body.contains(document.activeElement);
  }

  #draw(isAsked = false): void {
    const isHeld = !isAsked && this.#body.childElementCount > 0 && this.#isInUse();
    if (!isHeld) {
      this.#held = 0;
      this.#list(this.#rows);
    }
    const held = byId('jobs-held');
    show(held, isHeld && this.#held > 0);
    if (isHeld) setText(held, `${counted(this.#held, 'newer job')}, shown when you leave the list`);
    show(byId('jobs-newest'), !this.#isNewest);
    show(byId('jobs-older'), this.#isNewest ? this.#rows.length === ROWS : this.#next !== null);
    const isEmpty = this.#rows.length === 0 && (this.#hasRead || this.#error !== undefined);
    show(byId('jobs-table'), !isEmpty);
    show(byId('jobs-none'), isEmpty);
    if (isEmpty) byId('jobs-none').replaceChildren(...this.#emptyText());
  }

  #emptyText(): (Node | string)[] {
    if (this.#error !== undefined) return [`The jobs cannot be shown. ${this.#error}`];
    if (this.#isFiltered()) return ['No job fits. Clear the search, or choose all outcomes.'];
    return [
      'No job has ended yet. Send one from a terminal:',
      h('code', {}, 'coda submit circuit.json --shots 500 --wait'),
    ];
  }

  #createRow(row: JobRow): HTMLTableRowElement {
    const { jobId, outcome, origin, error, circuit, startedAt, endedAt, takenAt } = row;
    const open = h('button', { type: 'button', class: 'link id', title: jobId }, jobId);
    const element = h(
      'tr',
      { class: 'fresh', 'data-job': jobId },
      h('td', {}, outcomeMark(outcome)),
      h(
        'td',
        {},
        h(
          'div',
          { class: 'line' },
          origin === 'local' ? h('span', { class: 'local' }, 'local') : undefined,
          open,
        ),
        error === null ? undefined : h('span', { class: 'why', title: error }, error),
      ),
      h('td', { class: 'wide quiet' }, circuitText(circuit)),
      h('td', { class: 'right wide' }, waited(startedAt, takenAt)),
      h('td', { class: 'right' }, startedAt === null ? 'not run' : duration(endedAt - startedAt)),
      h('td', { class: 'right quiet' }, clock(endedAt, this.#options.now())),
    );
    element.addEventListener('click', () => this.#options.openJob(jobId));
    return element;
  }
}

/** One id may end twice. The history has its times in whole milliseconds, and the stream has them finer. */
function keyOf({ jobId, endedAt }: JobRow): string {
  return `${Math.round(endedAt)} ${jobId}`;
}

function waited(startedAt: number | null, takenAt: number | null): string {
  return startedAt === null || takenAt === null ? '–' : duration(startedAt - takenAt);
}
