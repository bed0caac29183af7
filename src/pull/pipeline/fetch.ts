/** Fetches one slice into a spool file, with the counts around it where metadata does not tell its rows. */
import { rm } from "node:fs/promises"
import { join } from "node:path"
import type { Column, Slice } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { scanSql } from "../../druid/sql.ts"
import type { AskedCounts } from "../../plan/proof.ts"
import type { Ports } from "../ports.ts"
import type { Prepared } from "../prepare/prepare.ts"
import { retrying } from "../retry.ts"

export interface Fetched {
  readonly slice: Slice
  readonly path: string
  readonly bytes: number
  readonly asked: AskedCounts | undefined
}

/**
 * @param number unique within the run: names the spool file
 * @throws DruidsyncError after the last try; the spool file is gone then
 */
export async function fetchSlice(
  ports: Ports,
  prepared: Pick<Prepared, "source" | "columns">,
  slice: Slice,
  number: number,
): Promise<Fetched> {
  const { source, columns } = prepared
  const { catalog, client, signal } = ports
  const intervals = slice.works.map((work) => work.interval)
  const mustAsk = slice.works.some((work) => work.expectedRows === undefined)
  const sql = scanSql(source, columns, slice.interval)
  return retrying(
    async (attempt) => {
      const path = join(ports.spoolDir, `slice-${number}-${attempt}.jsonl`)
      const counts = async () =>
        (await catalog.counts(source, intervals, signal, true)).map((count) => count.matching)
      const before = mustAsk ? await counts() : undefined
      let received = 0
      try {
        const spooled = await client.spool(sql, path, {
          action: `fetching "${source.datasource}"`,
          signal,
          onBytes: (bytes) => {
            received += bytes
            ports.emit({ type: "received", datasource: source.datasource, bytes })
          },
        })
        checkHeader(source.datasource, columns, spooled.header.names, spooled.header.druidTypes)
        const after = mustAsk ? await counts() : undefined
        return {
          slice,
          path,
          bytes: spooled.bytes,
          asked: before === undefined || after === undefined ? undefined : { before, after },
        }
      } catch (error) {
        ports.emit({ type: "received", datasource: source.datasource, bytes: -received })
        await rm(path, { force: true })
        throw error
      }
    },
    {
      sleep: ports.clock.sleep,
      signal,
      onRetry: (error, waitMs, attempt) =>
        ports.emit({ type: "retry", code: error.code, message: error.message, waitMs, attempt }),
    },
  )
}

/** The response must have the columns that were planned: a schema that changed meanwhile is planned anew. */
function checkHeader(
  datasource: string,
  columns: readonly Column[],
  names: readonly string[],
  druidTypes: readonly string[],
): void {
  const expected = columns.map((column) => {
    if (column.name === "__time") return "LONG"
    if (column.reading === "text") return "STRING"
    return column.multiValue ? "ARRAY<STRING>" : column.druidType
  })
  const fits =
    names.length === columns.length &&
    columns.every((column, n) => names[n] === column.name && druidTypes[n] === expected[n])
  if (!fits) {
    throw new DruidsyncError(
      "response-mismatch",
      `the columns of "${datasource}" changed while it was being read`,
    )
  }
}
