/** How the rows of a spool file are read: each as `json`, a list of its cells as text, whatever form the file has. */
import { literal, oneFile } from "../engine.ts"

/**
 * What a spool file holds. `lines`: a row a line, as a broker answers SQL. `batches`: a batch of rows a line, each of which
 * names its segment, as a data node answers a native scan.
 */
export type SpoolForm =
  | { readonly kind: "lines" }
  | {
      readonly kind: "batches"
      /** ids of all segments of which rows may come */
      readonly segments: readonly string[]
    }

/** Where a staged row keeps the place of its segment in the list, from 1 on. Druid takes no column with a line feed in its name. */
export const SEGMENT_COLUMN = "\nsegment"

/**
 * A FROM clause that gives rows of one column `json`; of batches also `segment`, NULL where it is none of the list.
 * @param paths of a file, or of several, at least one
 * @param maxLineBytes the longest line that the reader takes
 */
export function spoolSource(
  paths: string | readonly string[],
  form: SpoolForm,
  maxLineBytes: number,
): string {
  const files = `[${[paths].flat().map(oneFile).join(", ")}]`
  const read = (columns: string, more = "") =>
    `read_json(${files}, format = 'newline_delimited', hive_partitioning = false, ${more}columns = ${columns}, maximum_object_size = ${maxLineBytes})`
  if (form.kind === "lines") return read("{json: 'VARCHAR[]'}", "records = false, ")
  const ids = `[${form.segments.map(literal).join(", ")}]`
  return (
    `(SELECT unnest(events) AS json, list_position(${ids}, "segmentId")::USMALLINT AS segment ` +
    `FROM ${read("{segmentId: 'VARCHAR', events: 'VARCHAR[][]'}")})`
  )
}
