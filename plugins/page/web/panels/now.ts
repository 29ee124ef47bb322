// The figures of this moment: what is on the device, what waits, how busy it was, and what came of the jobs so far.
import type { RunningRow, Snapshot, WaitingRow } from '../../api.ts';
import { confirmed, hasToken, perform } from '../actions.ts';
import { byId, h, keyedList, setText, show } from '../dom.ts';
import { age, circuitText, counted, duration, number, rate, share } from '../format.ts';

/** Jobs whose number fits into the card. */
const SHOWN_RUNNING = 2;

interface Pair {
  readonly name: string;
  readonly value: string;
  readonly isBad?: boolean;
}

export class NowPanel {
  readonly #running = keyedList<RunningRow, HTMLElement>(byId('running-list'), {
    key: ({ jobId }) => jobId,
    create: ({ jobId, origin }) =>
      h(
        'li',
        {},
        h('span', { class: 'id', title: jobId }, jobId),
        origin === 'local' ? h('span', { class: 'local' }, 'local') : undefined,
        cancelButton(jobId),
      ),
  });
  readonly #waiting = keyedList<WaitingRow, HTMLElement>(byId('queue-list'), {
    key: ({ jobId }) => jobId,
    create: ({ jobId }) =>
      h(
        'li',
        {},
        h('span', {}, h('span', { class: 'id' }, jobId), ' ', h('span', { class: 'quiet' })),
        cancelButton(jobId),
      ),
    update: (element, { stage, circuit }) => {
      const text = element.querySelector('.quiet');
      if (text !== null) setText(text, `${stage === 'queued' ? '' : `${stage}, `}${circuitText(circuit)}`);
    },
  });
  readonly #done = keyedList<Pair, HTMLElement>(byId('done-list'), {
    key: ({ name }) => name,
    create: ({ name }) => h('div', {}, h('dt', {}, name), h('dd')),
    update: (element, { value, isBad = false }) => {
      setText(element.lastElementChild ?? element, value);
      element.className = isBad ? 'bad' : '';
    },
  });

  draw({ running, waiting, device, counts }: Snapshot, now: number): void {
    const [first] = running;
    const idle = device.idle;
    setText(
      byId('running-figure'),
      first === undefined ? (idle === null ? '–' : 'Idle') : duration(ticked(now - first.startedAt)),
    );
    setText(
      byId('running-text'),
      first !== undefined
        ? `${circuitText(first.circuit)}, ${counted(first.circuit.shots, 'shot')}${
            counts.running > 1 ? `; ${number(counts.running)} jobs run` : ''
          }`
        : idle === null
          ? ''
          : `for ${age(now - idle.since)}: ${idle.text}`,
    );
    this.#running(running.slice(0, SHOWN_RUNNING));

    setText(byId('queue-figure'), number(counts.waiting));
    setText(
      byId('queue-text'),
      counts.backlog === null ? 'wait here' : `wait here, ${number(counts.backlog)} more in the stream`,
    );
    show(byId('queue-more'), waiting.length > 0);
    if ((byId('queue-more') as HTMLDetailsElement).open) this.#waiting(waiting);

    setText(
      byId('busy-figure'),
      device.busyShareLastMinute === null ? '–' : share(device.busyShareLastMinute),
    );
    setText(
      byId('busy-text'),
      device.busyShare === null
        ? 'nothing was measured yet'
        : `${rate(device.jobsPerSecond)} jobs/s; ${share(device.busyShare)} since the start`,
    );

    this.#done([
      { name: 'Completed', value: number(counts.completed) },
      { name: 'Delivered', value: number(counts.delivered) },
      { name: 'Failed', value: number(counts.failed), isBad: counts.failed > 0 },
      { name: 'To deliver', value: number(counts.undelivered) },
      { name: 'Cancelled', value: number(counts.cancelled) },
      { name: 'Refused', value: number(counts.refused), isBad: counts.refused > 0 },
    ]);
  }
}

/** In steps that the eye can follow. */
function ticked(ms: number): number {
  return ms < 1000 ? Math.max(0, Math.floor(ms / 100) * 100) : ms;
}

function cancelButton(jobId: string): HTMLElement | undefined {
  if (!hasToken()) return undefined;
  const button = h('button', { type: 'button', class: 'small', 'aria-label': `Cancel ${jobId}` }, 'Cancel');
  const cancel = async (): Promise<void> => {
    const question = `Cancel ${jobId}? It ends without a result, and does not run again.`;
    if (await confirmed(question, 'Cancel the job')) await perform(button, 'cancel', { jobId });
  };
  button.addEventListener('click', () => void cancel());
  return button;
}
