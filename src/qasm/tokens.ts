// The kinds of tokens of OpenQASM, and the patterns of the grammar's lexer.

const SYMBOLS = [
  ...Array.from('[]{}():;,=+-*/%|&^@~!<>#.'),
  ...['->', '++', '**', '||', '&&', '==', '!=', '<=', '>=', '<<', '>>'],
];
/** A symbol is its own kind. */
type SymbolKind =
  | '['
  | ']'
  | '{'
  | '}'
  | '('
  | ')'
  | ':'
  | ';'
  | ','
  | '='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '|'
  | '&'
  | '^'
  | '@'
  | '~'
  | '!'
  | '<'
  | '>'
  | '#'
  | '.'
  | '->'
  | '++'
  | '**'
  | '||'
  | '&&'
  | '=='
  | '!='
  | '<='
  | '>='
  | '<<'
  | '>>';

/** `assignment` is a compound one, such as `+=`; `hardware` a physical qubit. */
export type TokenKind =
  'end' | 'name' | 'integer' | 'float' | 'duration' | 'string' | 'hardware' | 'assignment' | SymbolKind;

export const KINDS: ReadonlyMap<string, TokenKind> = new Map(
  SYMBOLS.map((symbol) => [symbol, symbol as SymbolKind]),
);
export const COMPOUND = /(?:\*\*|<<|>>|[-+*/&|^%])=(?!=)/y;
export const WORD = /[\p{L}\p{Nl}_][\p{L}\p{Nl}_0-9]*/uy;
export const NUMBER =
  /0[xX][0-9a-fA-F](?:_?[0-9a-fA-F])*|0o[0-7](?:_?[0-7])*|0[bB][01](?:_?[01])*|(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][-+]?\d(?:_?\d)*)?/y;
export const UNIT = /(?:[ \t]*(dt|ns|us|[µμ]s|ms|s|im)|(deg|rad))(?![\p{L}\p{Nl}_0-9])/uy;
export const STRING = /"[^"\r\n\t]*"|'[^'\r\n\t]*'/y;

/** In nanoseconds. */
export const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9 };

export const LETTER = 1;
export const DIGIT = 2;
export const SPACE = 4;
/** A symbol that begins no longer one. */
export const SIMPLE = 8;
export const CLASSES = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[A-Za-z_]/.test(character)) return LETTER;
  if (/\d/.test(character)) return DIGIT;
  if (/[ \t\r\n]/.test(character)) return SPACE;
  return /[[\](){};,:@~]/.test(character) ? SIMPLE : 0;
});
export const SYMBOL_OF: readonly (TokenKind | undefined)[] = Array.from({ length: 128 }, (_, code) =>
  KINDS.get(String.fromCharCode(code)),
);
