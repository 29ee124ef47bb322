// "Did you mean …?" for a misspelled name.

/** `; did you mean "port"?` for the candidate nearest to `word`, or nothing if none is near. */
export async function didYouMean(word: string, candidates: readonly string[]): Promise<string> {
  // Loaded only after a mistake.
  const { closest, distance } = await import('fastest-levenshtein');
  if (candidates.length === 0 || word.length > 100) return '';
  const nearest = closest(word, candidates);
  const allowedEdits = Math.ceil(nearest.length / 3);
  return distance(word, nearest) <= allowedEdits ? `; did you mean "${nearest}"?` : '';
}
