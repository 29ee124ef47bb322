// The inline files of a profile: which blocks are allowed, and what they may contain. Only recognised content is kept.

/** The content of an accepted block, written again by us: one PEM item after the other. */
export type BlockText = string;

interface BlockSpec {
  /** The names that a PEM item may have. */
  readonly labels: readonly string[];
  /** Exactly one item, such as a key. */
  readonly single?: true;
  /** Hexadecimal instead of base64. */
  readonly hex?: true;
}

const STATIC_KEY = { labels: ['OpenVPN Static key V1'], single: true, hex: true } as const;

export const BLOCKS: ReadonlyMap<string, BlockSpec> = new Map<string, BlockSpec>([
  ['ca', { labels: ['CERTIFICATE', 'X509 CERTIFICATE'] }],
  ['cert', { labels: ['CERTIFICATE', 'X509 CERTIFICATE'] }],
  ['extra-certs', { labels: ['CERTIFICATE', 'X509 CERTIFICATE'] }],
  ['key', { labels: ['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY'], single: true }],
  ['tls-auth', STATIC_KEY],
  ['tls-crypt', STATIC_KEY],
  ['tls-crypt-v2', { labels: ['OpenVPN tls-crypt-v2 client key'], single: true }],
]);

const BEGIN = /^-----BEGIN ([A-Za-z0-9 -]+)-----$/;
const BASE64 = /^[A-Za-z0-9+/]{1,76}={0,2}$/;
const HEX = /^[0-9a-fA-F]{1,64}$/;
/** A static key is 2048 bits. */
const STATIC_KEY_DIGITS = 512;

interface Item {
  readonly label: string;
  readonly lines: string[];
}

/**
 * The content of the block `name`, written again from these lines. Text around the PEM items, such as a description of a
 * certificate, is left out. Throws an Error that says what is wrong; a line number in it counts from the item's first line.
 */
export function checkBlock(name: string, lines: readonly string[]): BlockText {
  const spec = BLOCKS.get(name);
  if (spec === undefined) throw new Error(`there is no block <${name}>`);
  const items = itemsOf(lines, spec);
  if (items.length === 0) throw new Error(`it holds no ${spec.labels[0]} in PEM form`);
  if (spec.single === true && items.length > 1) throw new Error(`it holds ${items.length} items, not one`);
  for (const item of items) checkItem(item, spec);
  return items
    .map((item) => [`-----BEGIN ${item.label}-----`, ...item.lines, `-----END ${item.label}-----`].join('\n'))
    .join('\n');
}

function itemsOf(lines: readonly string[], spec: BlockSpec): Item[] {
  const items: Item[] = [];
  let open: Item | undefined;
  for (const raw of lines) {
    const line = raw.trim();
    const label = BEGIN.exec(line)?.[1];
    if (open === undefined) {
      if (label === undefined) continue;
      if (!spec.labels.includes(label)) throw new Error(`it holds ${article(label)}${hint(label)}`);
      open = { label, lines: [] };
    } else if (line === `-----END ${open.label}-----`) {
      items.push(open);
      open = undefined;
    } else if (line !== '') {
      if (!(spec.hex === true ? HEX : BASE64).test(line)) {
        const kind = spec.hex === true ? 'hexadecimal' : 'base64';
        throw new Error(`line ${open.lines.length + 1} of its ${open.label} is not ${kind}`);
      }
      open.lines.push(line);
    }
  }
  if (open !== undefined) throw new Error(`its ${open.label} has no end`);
  return items;
}

function checkItem({ label, lines }: Item, spec: BlockSpec): void {
  const text = lines.join('');
  if (spec.hex === true) {
    if (text.length === STATIC_KEY_DIGITS) return;
    throw new Error(`its key has ${text.length} digits, not ${STATIC_KEY_DIGITS}`);
  }
  const bytes = Buffer.from(text, 'base64');
  // Node's decoder skips what it does not understand; only if the text comes out the same, all of it was base64.
  if (text === '' || bytes.toString('base64') !== text) throw new Error(`its ${label} is not valid base64`);
  // Certificates and keys are DER: a SEQUENCE.
  if (!label.startsWith('OpenVPN') && bytes[0] !== 0x30)
    throw new Error(`its ${label} is not a certificate or key`);
}

function article(label: string): string {
  return `a ${label}, which is not allowed there`;
}

function hint(label: string): string {
  return label === 'ENCRYPTED PRIVATE KEY' ? ': the node cannot type its pass phrase' : '';
}
