/** Aggregations of Druid's SQL that estimate: from a sketch for each group, which takes kilobytes while groups are made. */
const ESTIMATING = /\b(APPROX_\w+|DS_\w+)\s*\(|\bCOUNT\s*\(\s*DISTINCT\b/i

/** @param expression SQL of a measure */
export function isEstimate(expression: string): boolean {
  return ESTIMATING.test(expression)
}
