// Shows characters that a terminal would obey, or that nobody sees, as `\u001b`: control characters and ANSI codes, marks
// that turn the direction of a text, zero-width ones, Unicode's own line breaks. The escapes are those of JSON.

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** The quick check: almost every text is plain ASCII. */
const MAY_BE_UNPRINTABLE = /[^\x20-\x7e]/;

/** `text` on one line. */
export function onOneLine(text: string): string {
  return MAY_BE_UNPRINTABLE.test(text) ? text.replace(UNPRINTABLE, escapeOf) : text;
}

/** One message, in which a line break before two spaces continues it: no other text begins a line of its own. */
export function asMessage(text: string): string {
  return text.includes('\n')
    ? text
        .split(/\n(?= {2})/)
        .map(onOneLine)
        .join('\n')
    : onOneLine(text);
}

/** A text of many lines: line breaks and tabs stay. For JSON, too, which means the same afterwards. */
export function asLines(text: string): string {
  if (!MAY_BE_UNPRINTABLE.test(text)) return text;
  return text
    .replaceAll('\r\n', '\n')
    .replace(UNPRINTABLE, (character) =>
      character === '\n' || character === '\t' ? character : escapeOf(character),
    );
}

function escapeOf(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}
