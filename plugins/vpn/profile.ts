// Parses an OpenVPN profile. The given text itself never reaches OpenVPN, so nothing that we did not understand gets through
// (PROTOCOL §12); `render.ts` writes a new profile from what is returned here.
import { VPNError } from '../../src/index.ts';
import { printable } from '../../src/kit.ts';
import { BLOCKS, checkBlock } from './blocks.ts';
import { connectionsAsRemotes, IN_CONNECTION, type Connection } from './connections.ts';
import { networkText } from './routes/networks.ts';
import { isOwnFilter, routeTarget } from './routes/pushes.ts';
import { judgeRoutes, NOTHING_AROUND } from './routes/rules.ts';
import { DIRECTIVES, LEFT_OUT, whyNot } from './directives.ts';
import type { Statement } from './statement.ts';
import { wordsOf } from './words.ts';

/** OpenVPN's own limit for one line. */
const LONGEST_LINE = 255;
const MOST_BYTES = 256 * 1024;
/** A profile that is something else entirely would fill the screen. */
const MOST_REFUSALS = 20;
/** With none of them anybody who has a certificate of the same authority, such as another client, could be the server. */
const CHECKS_SERVER = new Set(['remote-cert-tls', 'remote-cert-eku', 'verify-x509-name', 'peer-fingerprint']);
/** We never write these: inside a word they need quotes, or cannot be written at all. */
const UNSAFE = /["'\\#;\r\n]/;

export interface Profile {
  readonly statements: readonly Statement[];
  readonly blocks: ReadonlyMap<string, string>;
  /** What was left out or changed, each as a sentence that names its line. */
  readonly warnings: readonly string[];
}

/** Why a line is refused. */
class Refusal extends Error {
  readonly directive: string;

  constructor(directive: string, why: string) {
    super(why);
    this.directive = directive;
  }
}

/** Checks every line. Throws a VPNError that names each line that is refused, its directive and the reason. */
export function parseProfile(text: string): Profile {
  if (Buffer.byteLength(text) > MOST_BYTES) {
    throw new VPNError(`the VPN profile has more than ${MOST_BYTES / 1024} KiB`, { remedy: REMEDY });
  }
  const parser = new Parser(text.replace(/^\uFEFF/, '').split(/\r?\n/));
  parser.readLines();
  return parser.finish();
}

const REMEDY =
  'Correct the profile in Coda, then start the node again. docs/vpn.md lists what a profile may say.';

class Parser {
  readonly #lines: readonly string[];
  readonly #statements: Statement[] = [];
  /** The values that each directive has so far. */
  readonly #given = new Map<string, Set<string>>();
  readonly #blocks = new Map<string, string>();
  readonly #connections: Connection[] = [];
  readonly #warnings: string[] = [];
  readonly #refusals: { readonly line: number; readonly directive: string; readonly why: string }[] = [];

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  readLines(): void {
    for (let index = 0; index < this.#lines.length; index += 1) {
      let next = index;
      this.#attempt(index, () => {
        const words = this.#wordsAt(index);
        const tag = /^<([^/>]*)>$/.exec(words[0] ?? '')?.[1];
        if (tag !== undefined) {
          const end = this.#endOfBlock(index, tag);
          // Lines inside a block are no directives, even if the block is refused.
          next = end ?? this.#lines.length;
          this.#readBlock(tag, words, index, end);
        } else if (words.length > 0) {
          const statement = this.#understand(words, index);
          if (statement !== undefined) this.#add(statement);
        }
      });
      index = next;
    }
  }

  /** Throws if anything is refused or missing. */
  finish(): Profile {
    const [first] = this.#connections;
    if (first !== undefined) this.#attempt(first.index, () => this.#addConnections());
    if (this.#refusals.length > 0) throw refusal(this.#refusals);
    checkWhole(this.#statements, this.#blocks);
    if (!this.#statements.some(({ name }) => CHECKS_SERVER.has(name))) {
      this.#warnings.push(
        "the VPN profile: 'remote-cert-tls server' is added, since nothing in it checks the server's certificate. If that " +
          "certificate is not marked as one of a server, have 'verify-x509-name' put into the profile",
      );
      this.#statements.push({ name: 'remote-cert-tls', words: ['server'] });
    }
    return { statements: this.#statements, blocks: this.#blocks, warnings: this.#warnings };
  }

  #attempt(index: number, read: () => void): void {
    try {
      read();
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      this.#refusals.push({ line: index + 1, directive: thrown.directive, why: thrown.message });
    }
  }

  #wordsAt(index: number): string[] {
    const line = this.#lines[index] ?? '';
    checkCharacters(line);
    try {
      const words = wordsOf(line);
      if (words.length === 0 || Buffer.byteLength(line) <= LONGEST_LINE) return words;
    } catch (thrown) {
      throw new Refusal(firstWord(line), thrown instanceof Error ? thrown.message : String(thrown));
    }
    throw new Refusal(firstWord(line), `the line is longer than ${LONGEST_LINE} bytes`);
  }

  /** Undefined if the directive is left out. `prefix` is what stands before it on the line. */
  #understand([first = '', ...words]: readonly string[], index: number, prefix = ''): Statement | undefined {
    // OpenVPN accepts directives with and without the dashes of the command line.
    const name = first.startsWith('--') && first.length > 2 ? first.slice(2) : first;
    const shown = prefix + name;
    // An option for those clients that know it: for us the same as without these two words.
    if (name === 'setenv' && words[0] === 'opt' && words.length > 1) {
      return this.#understand(words.slice(1), index, `${prefix}setenv opt `);
    }
    const why = LEFT_OUT.get(name);
    if (why !== undefined) {
      if (name === 'setenv' && words[0] === 'GENERIC_CONFIG')
        throw new Refusal(shown, 'this profile is a template, without the part that is for one user');
      this.#warn(index, shown, `is left out: ${why}`);
      return undefined;
    }
    const directive = DIRECTIVES.get(name);
    if (directive === undefined) {
      throw new Refusal(
        shown,
        BLOCKS.has(name) ? `it names a file; only a block <${name}> is allowed` : whyNot(name),
      );
    }
    const wrong = directive.check(words);
    if (wrong !== undefined) throw new Refusal(shown, wrong);
    if (words.some((word) => UNSAFE.test(word)))
      throw new Refusal(shown, 'a value contains a quote, a backslash, # or ;');
    if (isOwnFilter({ name, words })) return undefined;
    const instead = directive.instead?.(words);
    if (instead === undefined) return { name, words };
    if (instead.words === undefined) {
      this.#warn(index, shown, `is left out: ${instead.why}`);
      return undefined;
    }
    this.#warn(index, shown, `becomes '${[name, ...instead.words].join(' ')}': ${instead.why}`);
    return { name, words: instead.words };
  }

  #warn(index: number, directive: string, what: string): void {
    this.#warnings.push(`line ${index + 1} of the VPN profile: '${printable(directive, 60)}' ${what}`);
  }

  #add(statement: Statement): void {
    const { name, words } = statement;
    const given = this.#given.get(name) ?? new Set();
    const text = words.join(' ');
    if (given.has(text)) return;
    if (given.size > 0 && DIRECTIVES.get(name)?.repeatable !== true)
      throw new Refusal(name, 'it is there twice, with different values');
    this.#given.set(name, given.add(text));
    this.#statements.push(statement);
  }

  /** OpenVPN ends a block at the first line that begins with the closing tag. */
  #endOfBlock(start: number, tag: string): number | undefined {
    for (let index = start + 1; index < this.#lines.length; index += 1) {
      if (this.#lines[index]?.trimStart().startsWith(`</${tag}>`) === true) return index;
    }
    return undefined;
  }

  #readBlock(tag: string, words: readonly string[], start: number, end: number | undefined): void {
    const refuse = (why: string): never => {
      throw new Refusal(`<${tag}>`, why);
    };
    if (tag !== 'connection' && !BLOCKS.has(tag)) refuse('it is not on the list of allowed blocks');
    if (words.length > 1) refuse('something follows it on the same line');
    if (end === undefined) return refuse(`there is no </${tag}>`);
    if (this.#lines[end]?.trim() !== `</${tag}>`) refuse(`something follows </${tag}> on the same line`);
    if (tag === 'connection') return this.#readConnection(start, end);
    if (this.#blocks.has(tag)) refuse('it is there twice');
    try {
      this.#blocks.set(tag, checkBlock(tag, this.#lines.slice(start + 1, end)));
    } catch (thrown) {
      refuse(thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  #readConnection(start: number, end: number): void {
    const statements: Statement[] = [];
    for (let index = start + 1; index < end; index += 1) {
      this.#attempt(index, () => {
        const words = this.#wordsAt(index);
        if (words.length === 0) return;
        const statement = this.#understand(words, index);
        if (statement === undefined) return;
        if (!IN_CONNECTION.has(statement.name))
          throw new Refusal(statement.name, 'it must not be in a <connection> block');
        statements.push(statement);
      });
    }
    this.#connections.push({ index: start, statements });
  }

  #addConnections(): void {
    const refuse = (why: string): never => {
      throw new Refusal('<connection>', why);
    };
    if (this.#given.has('remote')) refuse("there is also a 'remote' outside of it");
    const found = connectionsAsRemotes(this.#connections, this.#statements);
    if (typeof found === 'string') return refuse(found);
    for (const statement of found) this.#add(statement);
  }
}

function refusal(
  refusals: readonly { readonly line: number; readonly directive: string; readonly why: string }[],
): VPNError {
  const texts = refusals
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, directive, why }) => ({ line, text: `'${printable(directive, 60)}' is refused: ${why}` }));
  const [first] = texts;
  if (first !== undefined && texts.length === 1) {
    return new VPNError(`line ${first.line} of the VPN profile: ${first.text}`, { remedy: REMEDY });
  }
  const shown = texts.slice(0, MOST_REFUSALS).map(({ line, text }) => `  line ${line}: ${text}`);
  if (texts.length > shown.length) shown.push(`  and ${texts.length - shown.length} more`);
  return new VPNError(`${texts.length} lines of the VPN profile are refused:\n${shown.join('\n')}`, {
    remedy: REMEDY,
  });
}

function checkCharacters(line: string): void {
  const control = Array.from(line).find((character) => character !== '\t' && isControl(character));
  if (control === undefined) return;
  throw new Refusal(firstWord(line), `the line contains the control character ${code(control)}`);
}

function firstWord(line: string): string {
  return line.trim().split(/\s/)[0] ?? '';
}

function isControl(character: string): boolean {
  const point = character.codePointAt(0) ?? 0;
  return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

function code(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Checks for what is missing. OpenVPN would only say it after its start, and less clearly. */
function checkWhole(statements: readonly Statement[], blocks: ReadonlyMap<string, string>): void {
  const names = new Set(statements.map(({ name }) => name));
  const missing = [
    ...(names.has('client') || (names.has('tls-client') && names.has('pull')) ? [] : ["'client'"]),
    ...(names.has('remote') ? [] : ["'remote'"]),
    ...['ca', 'cert', 'key'].filter((block) => !blocks.has(block)).map((block) => `<${block}>`),
  ];
  if (missing.length > 0)
    throw new VPNError(`the VPN profile has no ${missing.join(', no ')}`, { remedy: REMEDY });
  // Each alone is narrow enough.
  const targets = statements.flatMap((statement) => routeTarget(statement) ?? []);
  const [refused] = judgeRoutes(targets, NOTHING_AROUND).refused;
  if (refused === undefined) return;
  throw new VPNError(
    `the ${targets.length} routes of the VPN profile are refused, such as ${networkText(refused.target)}: ${refused.why}`,
    { remedy: REMEDY },
  );
}
