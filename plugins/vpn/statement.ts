/** One line of a profile, understood. */
export interface Statement {
  readonly name: string;
  readonly words: readonly string[];
}
