/** Numbers as a page says them. */

/** A share: `90.99 %`. */
export function percent(share: number, digits = 2): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(digits)} %` : "none";
}

/** A count: `10,000`. */
export function whole(count: number): string {
  return count.toLocaleString("en");
}

/** What counts add up to. */
export function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
