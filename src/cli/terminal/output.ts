// Where a command writes to: lines, and whether they may have colours.

export interface Output {
  /** One line of the result, without its newline. */
  write(line: string): void;
  /** One line about something that went wrong. */
  error(line: string): void;
  /** True on a terminal that shows colours. */
  readonly colour: boolean;
}

const CODES = { red: '31', green: '32', cyan: '36', dim: '2' } as const;

export function paint(out: Output, colour: keyof typeof CODES, text: string): string {
  return out.colour ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}
