/** The answer to a query, on its way to a stream or into a file. Without SQL it is about the tables of the file. */
import { messageOf } from "../../base/errors.ts"
import { cannotWrite, makeResultFile, writeResultFile } from "../../kit/result-file.ts"
import type { Sink } from "../../kit/sink.ts"
import { PLAIN } from "../../kit/text/style.ts"
import { memoryText, threadsHere } from "../../store/engine.ts"
import { type QueryOptions, queryFile, queryToParquet } from "../../store/query/query.ts"
import { gathered, paced, type RowsTarget, type Write } from "./paced.ts"
import { COLUMNS_SQL, listTables, TABLES_SQL, tablesText } from "./tables.ts"
import { type RowsFormat, writeRows } from "./text.ts"

/** What is asked of the file. */
export interface Question extends Omit<QueryOptions, "sql" | "cells" | "memoryLimit" | "threads"> {
  /** undefined: what tables there are */
  readonly sql: string | undefined
  readonly memoryLimitBytes: number
  readonly newId: () => string
}

/** Stops early if the reader goes away; the owner of the sink decides whether that is a failure. */
export async function toStream(
  question: Question,
  format: RowsFormat,
  sink: Sink,
  look: Omit<RowsTarget, "write">,
): Promise<void> {
  await writeAnswer(question, format, look, paced(sink)).catch((error) => {
    if (error !== sink.failure) throw error
  })
}

/** Writes the answer to a file, completely or not at all. */
export function toFile(question: Question, format: RowsFormat, to: string): Promise<number | undefined> {
  return writeResultFile(to, question.newId(), (write) =>
    writeAnswer(question, format, { width: undefined, style: PLAIN }, write),
  )
}

/** Writes the answer to a Parquet file, completely or not at all. @returns number of rows */
export function toParquet(question: Question, to: string): Promise<number> {
  return makeResultFile(to, question.newId(), (path) =>
    queryToParquet({ ...storeOptions(question), sql: question.sql ?? COLUMNS_SQL }, path).catch((error) => {
      // DuckDB names the file that it could not write.
      throw messageOf(error).includes(path) ? cannotWrite(to, error) : error
    }),
  )
}

function storeOptions({ memoryLimitBytes, ...rest }: Question) {
  return { ...rest, memoryLimit: memoryText(memoryLimitBytes), threads: threadsHere({ most: 8 }) }
}

/** @returns number of rows; undefined for the tables in words */
async function writeAnswer(
  question: Question,
  format: RowsFormat,
  look: Omit<RowsTarget, "write">,
  put: Write,
): Promise<number | undefined> {
  const { write, flush } = gathered(put)
  const options = storeOptions(question)
  let rows: number | undefined
  if (question.sql === undefined && format === "table") {
    const tables = await queryFile({ ...options, sql: TABLES_SQL, cells: "text" }, listTables)
    await write(tablesText(tables, look.style, look.width))
  } else {
    const asked = {
      ...options,
      sql: question.sql ?? COLUMNS_SQL,
      cells: format === "json" ? "json" : "text",
    } as const
    rows = await queryFile(asked, (result) => writeRows(format, result, { ...look, write }))
  }
  await flush()
  return rows
}
