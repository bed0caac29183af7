/** Options that DuckDB's Parquet writer needs. Pure. */

/**
 * It takes -0.0 and 0.0 for the same entry of a dictionary (tried with 1.5.6): a file with a -0.0 does without
 * dictionaries. An option of COPY.
 */
export const NO_DICTIONARIES = "DICTIONARY_SIZE_LIMIT 0"

/** Can a value of this type be, or hold, a -0.0? */
export function hasFloats(type: string): boolean {
  return /\b(FLOAT|DOUBLE)\b/.test(type)
}
