// Writes the profile that OpenVPN gets: only from what was understood, never from the given text (PROTOCOL §12).
import type { Statement } from './directives.ts';
import type { Profile } from './profile.ts';

/** Added if the profile does not set them: no renegotiation during a run, and a quick reconnect after an outage. */
const ADDED: readonly Statement[] = [
  { name: 'reneg-sec', words: ['0'] },
  { name: 'hand-window', words: ['10'] },
  { name: 'tls-timeout', words: ['1'] },
  { name: 'connect-retry', words: ['1', '1'] },
  { name: 'verb', words: ['3'] },
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
  ];
  const lines = all.map((one) => [one.name, ...one.words.map(quoted)].join(' '));
  const inline = [...blocks].map(([tag, text]) => `<${tag}>\n${text}\n</${tag}>`);
  const text = `${[HEADER, ...lines, ...inline].join('\n')}\n`;
  return { text, device: isFree && device === undefined ? undefined : name };
}

const HEADER = '# Written by coda-node from the profile of the cloud; checked before every start.';

function quoted(word: string): string {
  return word.includes(' ') ? `"${word}"` : word;
}
