/** Fetches one slice into a spool file, with the counts around it where metadata does not tell its rows. */
import { rm } from "node:fs/promises"
import { join } from "node:path"
import type { Column, Interval, Slice } from "../../base/domain.ts"
import { DruidsyncError } from "../../base/errors.ts"
import { hull } from "../../base/intervals.ts"
import type { Label } from "../../config/table-name.ts"
import type { SpoolOptions } from "../../druid/client.ts"
import { conditionsOn, scanSql } from "../../druid/sql.ts"
import type { AskedCounts } from "../../plan/proof.ts"
import { isAddition } from "../../plan/slices.ts"
import type { Ports } from "../ports.ts"
import { retrying } from "../retry.ts"
import { type FromSegments, needsWholeChunks, type Reading } from "./past-broker.ts"

/** Rows of a slice, in files that are the caller's to remove. */
export interface Fetched extends FromSegments {
  readonly slice: Slice
  readonly asked: AskedCounts | undefined
}

/** What the fetcher of a slice is told, and decides, while it is fetched. */
export interface FetchHooks {
  /** bytes that arrived (negative: thrown away again); what it throws ends the request */
  readonly onBytes?: (bytes: number) => void
  /** for events; without it, the datasource is named */
  readonly label?: Label
  /** the request failed; it is sent again after a while */
  readonly onWait?: (error: DruidsyncError) => void
  /** true: no data node is asked, whatever the user allows */
  readonly throughBroker?: boolean
  /** sends the request when it may be sent. @param attempt from 0 */
  readonly enter?: (attempt: number, request: () => Promise<Fetched>) => Promise<Fetched>
}

/** Tries past the broker; what fails so often may have no other way than through it. */
const DIRECT_TRIES = 2

/**
 * @param number unique within the run: names the spool file
 * @throws DruidsyncError after the last try; the spool file is gone then
 */
export function fetchSlice(
  ports: Ports,
  what: Reading,
  slice: Slice,
  number: number,
  hooks: FetchHooks = {},
): Promise<Fetched> {
  const enter = hooks.enter ?? ((_: number, request: () => Promise<Fetched>) => request())
  return retrying(
    (attempt) => {
      const path = join(ports.spoolDir, `slice-${number}-${attempt}.jsonl`)
      const direct = hooks.throughBroker === true || attempt >= DIRECT_TRIES ? undefined : ports.direct
      return enter(attempt, () => fetchOnce({ ...ports, direct }, what, slice, path, hooks))
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
  what: Reading,
  slice: Slice,
  path: string,
  { onBytes, label = what.source }: FetchHooks,
): Promise<Fetched> {
  const { source } = what
  const { catalog, signal } = ports
  const intervals = slice.works.map((work) => work.interval)
  const isPartlyHidden = slice.works.some((work) => work.chunk.isPartlyHidden)
  const mustAsk = isPartlyHidden || slice.works.some((work) => work.expectedRows === undefined)
  const counts = async () =>
    (await catalog.counts(source, intervals, signal, true)).map((count) => count.matching)
  const before = mustAsk ? await counts() : undefined
  let received = 0
  const take = (bytes: number) => {
    received += bytes
    ports.emit({ type: "received", ...label, bytes })
    onBytes?.(bytes)
  }
  const undo = async () => {
    take(-received)
    await rm(path, { force: true })
  }
  const options = { action: `fetching "${source.datasource}"`, signal, onBytes: take }
  try {
    const direct = await ports.direct?.fetch(what, slice, path, options)
    if (direct === undefined) await undo()
    if (direct === undefined && isAddition(slice)) throw needsWholeChunks(source)
    const rows = direct ?? (await fetchLines(ports, what, slice, path, options))
    const after = mustAsk ? await counts() : undefined
    const asked = before === undefined || after === undefined ? undefined : { before, after }
    return { slice, asked, ...rows }
  } catch (error) {
    await undo()
    throw error
  }
}

/** Asks the broker in SQL. */
async function fetchLines(
  { client }: Ports,
  { source, columns }: Reading,
  slice: Slice,
  path: string,
  options: SpoolOptions,
): Promise<FromSegments> {
  const sql = scanSql(source, columns, askedInterval(slice))
  const { bytes, header } = await client.spool(sql, path, options)
  checkHeader(source.datasource, columns, header.names, header.druidTypes)
  return { paths: [path], bytes, form: { kind: "lines" }, promised: [] }
}

/** Of all of time, which some Druids do not take for a condition, the part that has segments. */
function askedInterval({ interval, works }: Slice): Interval {
  if (conditionsOn(interval).length === 1) return interval
  return hull(works.flatMap(({ chunk }) => chunk.segments.map((segment) => segment.interval))) ?? interval
}

/** The response must have the columns that were planned: if the schema changed meanwhile, the datasource is planned again. */
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
