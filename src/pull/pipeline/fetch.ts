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

/** What the fetcher of a slice is told, and decides, while it is fetched. */
export interface FetchHooks {
  /** bytes that arrived (negative: thrown away again); what it throws ends the request */
  readonly onBytes?: (bytes: number) => void
  /** the request failed; it is sent again after a while */
  readonly onWait?: (error: DruidsyncError) => void
  /** sends the request when it may be sent. @param attempt from 0 */
  readonly enter?: (attempt: number, request: () => Promise<Fetched>) => Promise<Fetched>
}

/**
 * @param number unique within the run: names the spool file
 * @throws DruidsyncError after the last try; the spool file is gone then
 */
export function fetchSlice(
  ports: Ports,
  what: Pick<Prepared, "source" | "columns">,
  slice: Slice,
  number: number,
  hooks: FetchHooks = {},
): Promise<Fetched> {
  const enter = hooks.enter ?? ((_: number, request: () => Promise<Fetched>) => request())
  return retrying(
    (attempt) => {
      const path = join(ports.spoolDir, `slice-${number}-${attempt}.jsonl`)
      return enter(attempt, () => fetchOnce(ports, what, slice, path, hooks.onBytes))
    },
    {
      sleep: ports.clock.sleep,
      signal: ports.signal,
      onRetry: (error, waitMs, attempt) => {
        ports.emit({ type: "retry", code: error.code, message: error.message, waitMs, attempt })
        hooks.onWait?.(error)
      },
    },
  )
}

async function fetchOnce(
  ports: Ports,
  { source, columns }: Pick<Prepared, "source" | "columns">,
  slice: Slice,
  path: string,
  onBytes: FetchHooks["onBytes"],
): Promise<Fetched> {
  const { catalog, client, signal } = ports
  const { datasource } = source
  const intervals = slice.works.map((work) => work.interval)
  const mustAsk = slice.works.some((work) => work.expectedRows === undefined)
  const counts = async () =>
    (await catalog.counts(source, intervals, signal, true)).map((count) => count.matching)
  const before = mustAsk ? await counts() : undefined
  let received = 0
  const take = (bytes: number) => {
    received += bytes
    ports.emit({ type: "received", datasource, bytes })
    onBytes?.(bytes)
  }
  try {
    const spooled = await client.spool(scanSql(source, columns, slice.interval), path, {
      action: `fetching "${datasource}"`,
      signal,
      onBytes: take,
    })
    checkHeader(datasource, columns, spooled.header.names, spooled.header.druidTypes)
    const after = mustAsk ? await counts() : undefined
    const asked = before === undefined || after === undefined ? undefined : { before, after }
    return { slice, path, bytes: spooled.bytes, asked }
  } catch (error) {
    take(-received)
    await rm(path, { force: true })
    throw error
  }
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
