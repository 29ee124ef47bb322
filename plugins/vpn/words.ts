// Splits one line of an OpenVPN profile into words, by the rules of OpenVPN's own parser (parse_line in options_util.c):
// we must read the same directives as OpenVPN would.

const QUOTES = new Set(['"', "'"]);

/** The words of `line`; none for an empty line or a comment. Throws an Error that says what is wrong. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isSpace(line[at])) at += 1;
    // A comment can only begin at the start of a word.
    if (at >= line.length || line[at] === '#' || line[at] === ';') return words;
    const { word, end } = QUOTES.has(line[at] ?? '') ? quotedWord(line, at) : bareWord(line, at);
    words.push(word);
    at = end;
  }
}

/** A word in quotes. In double quotes a backslash escapes the next character; in single quotes it is a plain one. */
function quotedWord(line: string, start: number): { word: string; end: number } {
  const quote = line[start];
  let word = '';
  for (let at = start + 1; at < line.length; at += 1) {
    if (line[at] === quote) return { word, end: at + 1 };
    if (quote === '"' && line[at] === '\\') at += 1;
    if (at < line.length) word += line[at];
  }
  throw new Error(`a quote ${quote} is not closed`);
}

/** A word up to the next space. As in OpenVPN, quotes inside it are plain characters. */
function bareWord(line: string, start: number): { word: string; end: number } {
  let word = '';
  let at = start;
  for (; at < line.length && !isSpace(line[at]); at += 1) {
    if (line[at] === '\\') {
      at += 1;
      if (at >= line.length) throw new Error('a backslash ends the line');
    }
    word += line[at];
  }
  return { word, end: at };
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
