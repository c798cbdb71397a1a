/** Some of many, evenly spread over them. */

/**
 * The places of so many among others, evenly spread, the first being 0.
 * @param count How many, `of` at the most.
 * @param of How many there are.
 */
export function spreadPlaces(count: number, of: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor(i * of / count));
}
