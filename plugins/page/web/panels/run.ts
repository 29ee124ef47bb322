// Runs a circuit of the operator's: from a file that is chosen, or dropped anywhere on the page.
import type { ActionAnswer, Snapshot } from '../../api.ts';
import { act, hasToken, say } from '../actions.ts';
import { byId, h, show } from '../dom.ts';
import { errorText } from '../feed.ts';
import { histogram } from '../histogram.ts';
import { outcomeMark } from '../outcome.ts';

/** What the node takes as one request. */
const MOST_BYTES = 1024 * 1024;

export class RunPanel {
  readonly #openJob: (jobId: string) => void;
  readonly #file = byId('run-file') as HTMLInputElement;
  readonly #shots = byId('run-shots') as HTMLInputElement;
  #canRun = false;

  constructor(openJob: (jobId: string) => void) {
    this.#openJob = openJob;
    byId('run-form').addEventListener('submit', (event) => {
      event.preventDefault();
      const [file] = this.#file.files ?? [];
      if (file === undefined) this.#answer(h('p', {}, 'Choose a file first.'));
      else void this.#run(file);
    });
    const drop = byId('drop');
    document.addEventListener('dragover', (event) => {
      if (event.dataTransfer?.types.includes('Files') !== true) return;
      event.preventDefault();
      show(drop, this.#canRun);
    });
    document.addEventListener('dragleave', ({ relatedTarget }) => {
      if (relatedTarget === null) show(drop, false);
    });
    document.addEventListener('drop', (event) => {
      const [file] = event.dataTransfer?.files ?? [];
      if (file === undefined) return;
      event.preventDefault();
      show(drop, false);
      if (this.#canRun) void this.#run(file);
      else say('Only the page with a token runs circuits: open the link that coda page prints', true);
    });
  }

  follow({ node }: Snapshot): void {
    this.#canRun = hasToken() && node.takesActions;
    show(byId('run'), this.#canRun);
  }

  async #run(file: File): Promise<void> {
    const stop = new AbortController();
    const cancel = h('button', { type: 'button', class: 'small' }, 'Stop it');
    cancel.addEventListener('click', () => stop.abort());
    this.#answer(h('p', {}, `${file.name} waits for its turn, and runs … `, cancel));
    byId('run').scrollIntoView({ block: 'nearest' });
    try {
      const circuit = await file.text();
      const shots = this.#shots.valueAsNumber;
      const body = { circuit, name: file.name, ...(Number.isNaN(shots) ? {} : { shots }) };
      if (new Blob([JSON.stringify(body)]).size > MOST_BYTES) {
        throw new Error(`${file.name} is too large for the page. Run it in a terminal: coda run`);
      }
      this.#ended(await act('run', body, stop.signal));
    } catch (thrown) {
      const text = stop.signal.aborted ? `${file.name} was stopped.` : errorText(thrown);
      this.#answer(h('p', { class: 'message bad' }, text));
    }
  }

  #ended({ text, jobId, outcome, counts, error }: ActionAnswer): void {
    const parts: Node[] = [h('p', {}, outcome === undefined ? undefined : outcomeMark(outcome), ` ${text}`)];
    if (error !== undefined) parts.push(h('p', { class: 'message bad' }, error));
    if (counts !== undefined) parts.push(histogram(counts));
    if (jobId !== undefined) {
      const open = h('button', { type: 'button' }, 'Everything about it');
      open.addEventListener('click', () => this.#openJob(jobId));
      parts.push(h('p', { class: 'fields' }, open));
    }
    this.#answer(...parts);
  }

  #answer(...parts: readonly Node[]): void {
    byId('run-answer').replaceChildren(...parts);
  }
}
