/** The answer to a query, on its way to a stream or into a file. Without SQL it is about the tables of the file. */
import { writeResultFile } from "../../kit/result-file.ts"
import type { Sink } from "../../kit/sink.ts"
import { PLAIN } from "../../kit/text/style.ts"
import { gathered, paced, type Write } from "./paced.ts"
import { COLUMNS_SQL, type FileQueryOptions, listTables, runQuery, writeParquet } from "./query.ts"
import type { RowsTarget } from "./rows-target.ts"
import { tablesText } from "./tables.ts"
import { type RowsFormat, writeRows } from "./text.ts"

/** Ends early where nobody reads on; whether that is a failure is for whoever opened the sink. */
export async function toStream(
  options: FileQueryOptions,
  sql: string | undefined,
  format: RowsFormat,
  sink: Sink,
  look: Omit<RowsTarget, "write">,
): Promise<void> {
  await writeAnswer(options, sql, format, look, paced(sink)).catch((error) => {
    if (error !== sink.failure) throw error
  })
}

/** The same into a file, whole or not at all. */
export function toFile(
  options: FileQueryOptions,
  sql: string | undefined,
  format: RowsFormat,
  to: string,
): Promise<number | undefined> {
  return writeResultFile(to, options.newId(), (write) =>
    writeAnswer(options, sql, format, { width: undefined, style: PLAIN }, write),
  )
}

/** @returns number of rows */
export function toParquet(options: FileQueryOptions, sql: string | undefined, to: string): Promise<number> {
  return writeParquet(options, sql ?? COLUMNS_SQL, to)
}

async function writeAnswer(
  options: FileQueryOptions,
  sql: string | undefined,
  format: RowsFormat,
  look: Omit<RowsTarget, "write">,
  put: Write,
): Promise<number | undefined> {
  const { write, flush } = gathered(put)
  const target = { ...look, write }
  let rows: number | undefined
  if (sql === undefined && format === "table") {
    await write(tablesText(await listTables(options), look.style, look.width))
  } else {
    const cells = format === "json" ? "json" : "text"
    rows = await runQuery(options, sql ?? COLUMNS_SQL, cells, (result) => writeRows(format, result, target))
  }
  await flush()
  return rows
}
