// Writes the profile that OpenVPN gets: only from what was understood, never from the given text (PROTOCOL §12).
import type { Statement } from './statement.ts';
import { routeWords, type Network } from './routes/networks.ts';
import { FILTERS, pushedTarget } from './routes/pushes.ts';
import type { Profile } from './profile.ts';

/** Added if the profile does not set them: no renegotiation during a run, a quick reconnect after an outage, and what
 *  older versions of OpenVPN do not do by themselves. */
const ADDED: readonly Statement[] = [
  { name: 'reneg-sec', words: ['0'] },
  { name: 'hand-window', words: ['10'] },
  { name: 'tls-timeout', words: ['1'] },
  { name: 'connect-retry', words: ['1', '1'] },
  { name: 'verb', words: ['3'] },
  { name: 'tls-version-min', words: ['1.2'] },
  { name: 'allow-compression', words: ['no'] },
];

export interface Rendering {
  /** The new profile. */
  readonly text: string;
  /** The tunnel's interface, if its name is known in advance. */
  readonly device: string | undefined;
}

/** The text for OpenVPN. `device` is the interface's name if the profile sets none; undefined lets OpenVPN choose. */
export function renderProfile({ statements, blocks }: Profile, device: string | undefined): Rendering {
  const given = statements.find(({ name }) => name === 'dev')?.words[0] ?? 'tun';
  const isFree = /^u?tun$/.test(given);
  const name = isFree ? (device ?? given) : given;
  const kept = statements.filter((one) => one.name !== 'dev' && one.name !== 'dev-type');
  const names = new Set(kept.map((one) => one.name));
  const all = [
    { name: 'dev', words: [name] },
    { name: 'dev-type', words: ['tun'] },
    ...kept,
    ...ADDED.filter((one) => !names.has(one.name)),
    // After the profile's own: the first filter that fits counts.
    ...FILTERS,
  ];
  const lines = all.map((one) => [one.name, ...one.words.map(quoted)].join(' '));
  const inline = [...blocks].map(([tag, text]) => `<${tag}>\n${text}\n</${tag}>`);
  const text = `${[HEADER, ...lines, ...inline].join('\n')}\n`;
  return { text, device: isFree && device === undefined ? undefined : name };
}

const HEADER = '# Written by coda-node from the profile of the cloud; checked before every start.';

/** Stands before the routes that the server has pushed; what is above it comes from the cloud. */
const PUSHED = '# Pushed by the VPN server, and allowed:';

/** The text for OpenVPN, from a rendered profile and the server's routes. */
export function withPushed(text: string, routes: readonly Network[]): string {
  if (routes.length === 0) return text;
  const lines = routes.map((route) =>
    [route.bits === 32 ? 'route' : 'route-ipv6', ...routeWords(route)].join(' '),
  );
  return `${[text.trimEnd(), PUSHED, ...lines].join('\n')}\n`;
}

/** The two parts of a saved text. */
export function splitPushed(saved: string): { readonly text: string; readonly routes: readonly Network[] } {
  const at = saved.indexOf(`\n${PUSHED}\n`);
  if (at === -1) return { text: saved, routes: [] };
  const lines = saved
    .slice(at)
    .split('\n')
    .filter((line) => line.startsWith('route'));
  return {
    text: saved.slice(0, at + 1),
    routes: lines.flatMap((line) => pushedTarget(line) ?? []),
  };
}

function quoted(word: string): string {
  return word === '' || word.includes(' ') ? `"${word}"` : word;
}
