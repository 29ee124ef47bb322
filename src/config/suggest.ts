// "Did you mean …?" for a misspelled name.

/** `; did you mean "port"?` for the candidate nearest to `word`, or nothing if none is near. */
export async function didYouMean(word: string, candidates: readonly string[]): Promise<string> {
  const { nearest } = await import('../nearest.ts');
  const found = nearest(word, candidates);
  return found === undefined ? '' : `; did you mean "${found}"?`;
}
