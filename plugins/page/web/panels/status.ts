// The line at the top: may the node take jobs, or why not, and what it is connected to.
import type { Snapshot, Trouble } from '../../api.ts';
import { hasToken, perform } from '../actions.ts';
import { byId, h, keyedList, setAttribute, setText, show } from '../dom.ts';
import { age, clock } from '../format.ts';

interface Fact {
  readonly name: string;
  readonly text: string;
  readonly isBad?: boolean;
}

/** The node in one word. */
interface Badge {
  readonly word: string;
  readonly state: 'good' | 'warn' | 'bad';
  readonly sign: string;
}

const VPN_WORDS = {
  booting: 'starting',
  ready: 'ready',
  degraded: 'degraded',
  vpn_unavailable: 'down',
} as const;
/** A heartbeat that is older is a trouble: the node sends one every 30 seconds or so. */
const LATE_HEARTBEAT_MS = 120_000;

export class StatusPanel {
  readonly #facts = keyedList<Fact, HTMLElement>(byId('facts'), {
    key: ({ name }) => name,
    create: ({ name }) => h('div', {}, h('dt', {}, name), h('dd')),
    update: (element, { text, isBad = false }) => {
      setText(element.lastElementChild ?? element, text);
      setAttribute(element, 'title', text);
      element.className = isBad ? 'bad' : '';
    },
  });
  readonly #troubles = keyedList<Trouble, HTMLElement>(byId('troubles'), {
    key: ({ text, blocks }) => `${blocks ? 'blocks' : 'warns'} ${text}`,
    create: ({ text, remedy, blocks }) =>
      h(
        'li',
        { class: blocks ? 'bad' : undefined },
        h('b', {}, blocks ? '✕ Not ready:' : '! Warning:'),
        text,
        remedy === null ? undefined : h('span', { class: 'remedy' }, `→ ${remedy}`),
      ),
  });
  readonly #pause = h('button', { type: 'button' });
  #word = '';
  #isPaused = false;

  constructor() {
    byId('switches').append(this.#pause);
    this.#pause.addEventListener(
      'click',
      () => void perform(this.#pause, this.#isPaused ? 'resume' : 'pause', {}),
    );
  }

  draw(snapshot: Snapshot, now: number): void {
    const { node, cloud } = snapshot;
    const badge = badgeOf(snapshot);
    this.#showBadge(badge);
    setText(byId('qpu'), cloud.qpuId ?? '');
    this.#facts(factsOf(snapshot, now));
    this.#troubles(node.troubles);
    show(byId('troubles'), node.troubles.length > 0);
    show(byId('connection'), false);
    this.#isPaused = node.paused !== null;
    show(byId('switches'), hasToken() && node.takesActions);
    setText(this.#pause, this.#isPaused ? 'Resume' : 'Pause');
    setAttribute(
      this.#pause,
      'title',
      this.#isPaused ? 'Take jobs again' : 'Take no more jobs; the one on the device ends as usual',
    );
    document.title = `${badge.sign} ${badge.word} · ${cloud.qpuId ?? 'coda-node'}`;
  }

  /** The connection to the node is down; what is shown is old. */
  lost(seenAt: number | null): void {
    const seen =
      seenAt === null
        ? 'The node has not answered yet'
        : `Last seen ${clock(seenAt)}; what is below is from then`;
    const line = byId('connection');
    setText(line, `Connection lost. ${seen}. This page tries again by itself. If it stays: coda status`);
    show(line, true);
    this.#showBadge({ word: 'Connection lost', state: 'bad', sign: '✕' });
    document.title = '✕ Connection lost · coda-node';
  }

  #showBadge({ word, state, sign }: Badge): void {
    const element = byId('badge');
    element.dataset['state'] = state;
    setText(element.children[0] ?? element, sign);
    setText(element.children[1] ?? element, word);
    // The first one is no news.
    if (this.#word !== '' && this.#word !== word) setText(byId('announcer'), `The node: ${word}`);
    this.#word = word;
  }
}

function badgeOf({ node }: Snapshot): Badge {
  if (node.phase === 'booting') return { word: 'Starting', state: 'warn', sign: '…' };
  if (node.phase === 'draining') return { word: 'Draining', state: 'warn', sign: '⏻' };
  if (node.phase === 'closed') return { word: 'Stopped', state: 'bad', sign: '✕' };
  if (node.paused !== null) return { word: 'Paused', state: 'warn', sign: '‖' };
  return node.ready
    ? { word: 'Ready', state: 'good', sign: '✓' }
    : { word: 'Not ready', state: 'bad', sign: '✕' };
}

function factsOf({ node, cloud, device }: Snapshot, now: number): Fact[] {
  const beatAge = cloud.lastHeartbeatAt === null ? null : now - cloud.lastHeartbeatAt;
  const isVpnDown = cloud.vpn === 'degraded' || cloud.vpn === 'vpn_unavailable';
  return [
    {
      name: 'VPN',
      text: `${VPN_WORDS[cloud.vpn]}${cloud.vpnInterface === null ? '' : ` (${cloud.vpnInterface})`}`,
      isBad: isVpnDown,
    },
    { name: 'Redis', text: cloud.redisHealthy ? 'answers' : 'does not answer', isBad: !cloud.redisHealthy },
    {
      name: 'Heartbeat',
      text: cloud.heartbeatError ?? (beatAge === null ? 'none yet' : `${age(beatAge)} ago`),
      isBad: cloud.heartbeatError !== null || (beatAge ?? 0) > LATE_HEARTBEAT_MS,
    },
    { name: 'Executor', text: device.executor ?? 'not loaded yet' },
    { name: 'Up', text: age(now - node.startedAt) },
    { name: 'Version', text: node.version },
  ];
}
