/**
 * `row_hash(VARCHAR) → BIGINT` in DuckDB: the one hash that Druid's SQL can compute too. Java's `String.format("%h")`
 * prints a string's `hashCode` in hex, and Druid has it as `STRING_FORMAT('%h', …)`; DuckDB has nothing of the kind
 * that is not twenty times slower as SQL over single characters, hence a function of our own.
 */
import type { DuckDBConnection } from "@duckdb/node-api"
import { registerTextFunction } from "./text-function.ts"

/** Name of the function in DuckDB. */
export const TEXT_HASH = "druid_text_hash"

/** Java's `String.hashCode` over UTF-16 units, as an unsigned 32-bit number. */
export function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash >>> 0
}

/**
 * The hash of the hash's hex digits. `hashCode` alone is a sum over characters: values that are swapped between two
 * rows would leave the sum of the rows' hashes as it was.
 */
export function textHash(text: string): number {
  return javaHash(javaHash(text).toString(16))
}

/** Makes the function known to a connection. NULL stays NULL. */
export function registerTextHash(connection: DuckDBConnection): Promise<void> {
  return registerTextFunction(connection, TEXT_HASH, (text) =>
    text === null ? null : BigInt(textHash(text)),
  )
}
