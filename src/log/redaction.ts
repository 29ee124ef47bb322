// Hides secrets in texts: those that the node knows, in every form in which they may be written, and whatever looks like
// one. Each pattern takes time in proportion to the text, whatever the text is.

/** Values shorter than this are not masked: replacing them would garble every line. */
export const SHORTEST_SECRET = 6;
const HIDDEN = '***';
/** What is behind a text that was cut. */
const CUT = '…';
const MOST_CUTS = 20;

/** Names of fields, options and headers whose value is a secret. */
const NAMES = String.raw`password|passwd|passphrase|secret|token|cookie|authorization|api[-_]?key|private[-_]?key`;
/** A quote, or one in a text that is JSON itself. */
const QUOTE = String.raw`\\{0,8}["'\x60]`;
const KEY_NAME = '(?:[A-Z ]{0,20}PRIVATE KEY|OpenVPN Static key V1)';
const PEM_END = `-----END ${KEY_NAME}-----`;
/** What may be between the two ends of a key in PEM form, as it is, in JSON, or as Node.js shows an object. */
const PEM_BODY = String.raw`[\w+/=:,. \r\n\t-]|\\{1,8}[rnt]|['"\x60] \+(?:\s|\\{1,8}n){1,40}['"\x60]`;

const URL_PASSWORD = /(:\/\/[^\s:/@"'`<>\\]{0,256}):[^\s/"'`<>\\]{1,1024}@/g;

const PATTERNS: readonly (readonly [look: string | undefined, pattern: RegExp, by: string])[] = [
  [
    '-----BEGIN ',
    new RegExp(`-----BEGIN ${KEY_NAME}-----(?:${PEM_BODY})*?(?:${PEM_END}|(?!${PEM_BODY}))`, 'g'),
    HIDDEN,
  ],
  // A JWT: the header of each begins with `{"`.
  ['eyJ', /(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?/g, HIDDEN],
  ['://', URL_PASSWORD, `$1:${HIDDEN}@`],
  [undefined, /\b(Bearer\s{1,3})[\w.~+/=-]{8,}/gi, `$1${HIDDEN}`],
  [
    undefined,
    new RegExp(
      String.raw`(authorization${QUOTE}?\s{0,3}[:=,]\s{0,3}(?:${QUOTE})?\w{1,20}\s)[^\s"'\x60\\]{4,}`,
      'gi',
    ),
    `$1${HIDDEN}`,
  ],
  [
    undefined,
    new RegExp(String.raw`((?:${NAMES})(?:${QUOTE})?\s{0,3}[:=]\s{0,3}${QUOTE})[^"'\x60\\]+`, 'gi'),
    `$1${HIDDEN}`,
  ],
  ['=', new RegExp(String.raw`((?:${NAMES})=)[^\s"'\x60\\<&,;*]+`, 'gi'), `$1${HIDDEN}`],
];
/** Its value is hidden. */
const SECRET_NAME = new RegExp(`^[\\w.-]{0,64}(?:${NAMES})$`, 'i');
const KEY_BEGINS = new RegExp(`^-----BEGIN ${KEY_NAME}-----`);
/** A line in the middle of one, also as Node.js or Python shows a text of several lines. */
const PEM_LINE = /^[\s'"`(+]{0,40}[\w+/=]{4,200}(?:\\{1,8}[nr])*[\s'"`+,;)]{0,40}$/;
/** After so many lines, a key that has not ended is none. */
const LONGEST_KEY_LINES = 200;

export class Redaction {
  /** The longest first: one may be the beginning of another. */
  #secrets: readonly string[] = [];
  /** How many lines of a key that is written line by line may still come. */
  #keyLines = 0;

  /** From now on hides `secret`, and what it is in URLs, in JSON and in base64; of several lines, each. */
  add(secret: string): void {
    if (secret.length < SHORTEST_SECRET || this.#secrets.includes(secret)) return;
    const found = new Set(this.#secrets);
    for (const form of formsOf(secret)) if (form.length >= SHORTEST_SECRET) found.add(form);
    this.#secrets = [...found].toSorted((a, b) => b.length - a.length);
  }

  /** `text` without secrets. */
  hide(text: string): string {
    let hidden = this.#hideCut(maskSecrets(text, this.#secrets));
    for (const [look, pattern, by] of PATTERNS) {
      if (look === undefined || hidden.includes(look)) hidden = hidden.replace(pattern, by);
    }
    return hidden;
  }

  /** Texts are cut for the log by others, too, who do not know the secrets: the beginning of one may be left. */
  #hideCut(text: string): string {
    let hidden = text;
    let at = hidden.indexOf(CUT);
    for (let marks = 0; at >= 0 && marks < MOST_CUTS; marks += 1) {
      for (const secret of this.#secrets) {
        const begin = hidden.lastIndexOf(secret.slice(0, SHORTEST_SECRET), at - SHORTEST_SECRET);
        if (begin < 0 || at - begin >= secret.length || !secret.startsWith(hidden.slice(begin, at))) continue;
        hidden = hidden.slice(0, begin) + HIDDEN + hidden.slice(at);
        at = begin + HIDDEN.length;
        break;
      }
      at = hidden.indexOf(CUT, at + 1);
    }
    return hidden;
  }

  /** One message of several that may be the lines of one text: a key in PEM form goes over many. */
  hideMessage(message: string): string {
    const begin = message.lastIndexOf('-----BEGIN ');
    if (begin > message.lastIndexOf('-----END ') && KEY_BEGINS.test(message.slice(begin))) {
      this.#keyLines = LONGEST_KEY_LINES;
    } else if (this.#keyLines > 0) {
      this.#keyLines -= 1;
      if (message.includes('-----END ')) this.#keyLines = 0;
      else if (PEM_LINE.test(message)) return HIDDEN;
    }
    return message;
  }

  /** The value of a field, unless its name says that it is a secret. */
  hideField(name: string, value: unknown): unknown {
    return typeof value === 'string' && SECRET_NAME.test(name) ? HIDDEN : value;
  }

  /** Cuts a long text, but no secret in half; says how long it was. */
  cut(text: string, most: number): string {
    if (text.length <= most) return text;
    const longest = this.#secrets[0]?.length ?? 0;
    return `${this.hide(text.slice(0, most + longest)).slice(0, most)}… (${text.length} characters)`;
  }
}

export function maskSecrets(text: string, secrets: Iterable<string>): string {
  let masked = text;
  for (const secret of secrets) masked = masked.replaceAll(secret, HIDDEN);
  return masked;
}

/** Replaces the password of every URL in `text`: `redis://user:***@host`. */
export function maskUrlPasswords(text: string): string {
  return text.replace(URL_PASSWORD, `$1:${HIDDEN}@`);
}

/** The forms in which a text of ours or of others may have it. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const lines = secret.includes('\n')
    ? secret.split(/\r?\n/).filter((line) => !line.startsWith('-----'))
    : [];
  return [
    secret,
    ...lines,
    JSON.stringify(secret).slice(1, -1),
    // A half of a character, which is no text, has no such form.
    encodeURIComponent(bytes.toString()),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ];
}
