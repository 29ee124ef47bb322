// Parses an OpenVPN profile, and writes a new one for OpenVPN from what was understood. The given text itself never reaches
// OpenVPN, so nothing that we did not understand gets through (PROTOCOL §12).
import { VPNError } from '../../src/index.ts';
import { printable } from '../../src/kit.ts';
import { BLOCKS, checkBlock } from './blocks.ts';
import { DIRECTIVES, whyNot } from './directives.ts';
import { wordsOf } from './words.ts';

/** OpenVPN's own limit for one line. */
const LONGEST_LINE = 255;
const MOST_BYTES = 256 * 1024;
/** We never write these: inside a word they need quotes, or cannot be written at all. */
const UNSAFE = /["'\\#;\r\n]/;

interface Statement {
  readonly name: string;
  readonly words: readonly string[];
}

export interface Profile {
  readonly statements: readonly Statement[];
  readonly blocks: ReadonlyMap<string, string>;
}

/** Checks every line. Throws a VPNError that names the line, the directive and why it is refused. */
export function parseProfile(text: string): Profile {
  if (Buffer.byteLength(text) > MOST_BYTES) {
    throw new VPNError(`the VPN profile has more than ${MOST_BYTES / 1024} KiB`, { remedy: REMEDY });
  }
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const statements: Statement[] = [];
  const blocks = new Map<string, string>();
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const refuse = refuseAt(index + 1);
    checkCharacters(line, refuse);
    const words = split(line, refuse);
    const [first] = words;
    if (first === undefined) continue;
    const tag = /^<([^/>]*)>$/.exec(first)?.[1];
    if (tag === undefined) {
      addStatement(statements, words, refuse);
      continue;
    }
    const end = endOfBlock(lines, index, tag, words, refuse);
    if (blocks.has(tag)) refuse(`<${tag}>`, 'it is there twice');
    blocks.set(tag, blockText(tag, lines.slice(index + 1, end), refuse));
    index = end;
  }
  checkWhole(statements, blocks);
  return { statements, blocks };
}

type Refuse = (directive: string, why: string) => never;

function refuseAt(line: number): Refuse {
  return (directive, why) => {
    throw new VPNError(`line ${line} of the VPN profile: '${printable(directive, 60)}' is refused: ${why}`, {
      remedy: REMEDY,
    });
  };
}

const REMEDY =
  'Correct the profile in Coda, then start the node again. docs/vpn.md lists what a profile may say.';

function checkCharacters(line: string, refuse: Refuse): void {
  const control = [...line].find((character) => character !== '\t' && isControl(character));
  if (control !== undefined) {
    refuse(line.trim().split(/\s/)[0] ?? '', `the line contains the control character ${code(control)}`);
  }
}

function isControl(character: string): boolean {
  const point = character.codePointAt(0) ?? 0;
  return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

function code(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function split(line: string, refuse: Refuse): string[] {
  try {
    const words = wordsOf(line);
    if (words.length > 0 && Buffer.byteLength(line) > LONGEST_LINE) {
      return refuse(words[0] ?? '', `the line is longer than ${LONGEST_LINE} bytes`);
    }
    return words;
  } catch (thrown) {
    return refuse(
      line.trim().split(/\s/)[0] ?? '',
      thrown instanceof Error ? thrown.message : String(thrown),
    );
  }
}

function addStatement(
  statements: Statement[],
  [first = '', ...words]: readonly string[],
  refuse: Refuse,
): void {
  // OpenVPN accepts directives with and without the dashes of the command line.
  const name = first.startsWith('--') && first.length > 2 ? first.slice(2) : first;
  const directive = DIRECTIVES.get(name);
  if (directive === undefined) {
    return refuse(
      name,
      BLOCKS.has(name) ? `it names a file; only a block <${name}> is allowed` : whyNot(name),
    );
  }
  const wrong = directive.check(words);
  if (wrong !== undefined) return refuse(name, wrong);
  if (words.some((word) => UNSAFE.test(word)))
    return refuse(name, 'a value contains a quote, a backslash, # or ;');
  const same = statements.filter((one) => one.name === name);
  if (same.some((one) => one.words.join(' ') === words.join(' '))) return;
  if (same.length > 0 && directive.repeatable !== true)
    return refuse(name, 'it is there twice, with different values');
  statements.push({ name, words });
}

function endOfBlock(
  lines: readonly string[],
  start: number,
  tag: string,
  words: readonly string[],
  refuse: Refuse,
): number {
  if (!BLOCKS.has(tag)) refuse(`<${tag}>`, 'it is not on the list of allowed blocks');
  if (words.length > 1) refuse(`<${tag}>`, 'something follows it on the same line');
  // OpenVPN ends a block at the first line that begins with the closing tag.
  const end = lines.findIndex((line, index) => index > start && line.trimStart().startsWith(`</${tag}>`));
  if (end === -1) refuse(`<${tag}>`, `there is no </${tag}>`);
  if (lines[end]?.trim() !== `</${tag}>`) refuse(`<${tag}>`, `something follows </${tag}> on the same line`);
  return end;
}

function blockText(tag: string, lines: readonly string[], refuse: Refuse): string {
  try {
    return checkBlock(tag, lines);
  } catch (thrown) {
    return refuse(`<${tag}>`, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Checks for what is missing. OpenVPN would only say it after its start, and less clearly. */
function checkWhole(statements: readonly Statement[], blocks: ReadonlyMap<string, string>): void {
  const names = new Set(statements.map(({ name }) => name));
  const missing = [
    ...(names.has('client') || (names.has('tls-client') && names.has('pull')) ? [] : ["'client'"]),
    ...(names.has('remote') ? [] : ["'remote'"]),
    ...['ca', 'cert', 'key'].filter((block) => !blocks.has(block)).map((block) => `<${block}>`),
  ];
  if (missing.length === 0) return;
  throw new VPNError(`the VPN profile has no ${missing.join(', no ')}`, { remedy: REMEDY });
}

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
