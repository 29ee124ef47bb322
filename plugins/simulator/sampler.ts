// Draws shots from a discrete distribution, reproducibly: a seeded random stream,
// and inversion of the cumulative distribution with a guide table.

/**
 * Random numbers in [0, 1) with 53 bits, from sfc32 ("small fast counter", Chris Doty-Humphrey,
 * PractRand). `seed` and `stream` are safe integers from 0, `stream` below 2^32; each pair starts
 * the generator in another state, so streams of one seed are independent of one another.
 */
export function randomStream(seed: number, stream: number): () => number {
  let a = seed | 0;
  let b = Math.floor(seed / 2 ** 32) | 0;
  let c = stream | 0;
  let counter = 1;

  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum;
  };
  // The author of the generator skips this many numbers, until every seed bit has affected every state bit.
  for (let i = 0; i < 15; i++) next();

  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/**
 * A function that draws an index k with probability weights[k] / sum(weights), in constant expected
 * time. `weights` are not negative and not all zero, their number is a power of two; an index of
 * weight 0 is never drawn.
 */
export function discreteSampler(weights: Float64Array, random: () => number): () => number {
  const cumulative = new Float64Array(weights.length);
  let total = 0;
  weights.forEach((weight, k) => (cumulative[k] = total += weight));

  // guide[j] is the first index that a random number of at least j / length can lead to (Chen and
  // Asau 1974); the search from there takes two steps on average.
  const guide = new Uint32Array(weights.length);
  for (let j = 0, k = 0; j < guide.length; j++) {
    while (cumulative[k]! <= (j / guide.length) * total) k++;
    guide[j] = k;
  }

  return () => {
    const u = random();
    let k = guide[Math.floor(u * guide.length)]!;
    while (cumulative[k]! <= u * total) k++;
    return k;
  };
}
