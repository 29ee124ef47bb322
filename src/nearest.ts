// The nearest of several names to one that is misspelled.
import { closest, distance } from 'fastest-levenshtein';

/** Undefined if none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0 || word.length > 100) return undefined;
  // A name in capitals is nearer to itself than to another one of its length.
  const lower = word.toLowerCase();
  const same = candidates.find((one) => one.toLowerCase() === lower);
  if (same !== undefined) return same;
  const found = closest(word, candidates);
  const allowedEdits = Math.ceil(found.length / 3);
  return distance(word, found) <= allowedEdits ? found : undefined;
}
