/**
 * The exact comparison (`--deep`): rows come from Druid again by the way that a pull takes them (spool, stage), slice by
 * slice, and DuckDB finds what one side has more often than the other. Memory is bounded by the slice.
 */
import type { Slice } from "../base/domain.ts"
import { concernsOneDatasource, DruidsyncError, ExitCode } from "../base/errors.ts"
import { quoteName } from "../base/names.ts"
import { shareOf } from "../base/shard.ts"
import { removeSpooled } from "../druid/spool.ts"
import { halves, slicesOf } from "../plan/slices.ts"
import { fetchSlice } from "../pull/pipeline/fetch.ts"
import { checkSegments, SegmentLacking } from "../pull/pipeline/past-broker.ts"
import { conversion } from "../store/rows/convert.ts"
import { commonColumn } from "../store/rows/drift.ts"
import { countsByInterval, storedBucket } from "../store/rows/interval-counts.ts"
import { ROW_HASH_NAME } from "../store/rows/row-hash.ts"
import { dropStaged, stage } from "../store/rows/stage.ts"
import { type CompareContext, type Example, type Finding, unanswered } from "./context.ts"
import { loosened } from "./groups.ts"
import { compareMultisets, EXAMPLES, type OddRow } from "./multisets.ts"
import { duckdbWhere } from "./prints-sql.ts"
import { type SideColumn, type Sides, sideSql } from "./sides.ts"
import { type Stretch, workOf } from "./stretches.ts"

/** Longer values of examples are cut. */
const EXAMPLE_CHARACTERS = 200

/** `Compare` by rows. */
export async function compareByRows(
  context: CompareContext,
  stretches: readonly Stretch[],
): Promise<Finding[]> {
  const { settings, chunks: all } = context
  const share = shareOf(settings.shard, settings.name)
  const chunks = all.filter((chunk) => share(chunk.interval) !== "none")
  const at = new Map(stretches.map((stretch) => [stretch.interval.start, stretch]))
  const found = new Map<Stretch, Finding>()
  for (const slice of slicesOf(stretches.map(workOf), chunks, context.sliceRows)) {
    const members = slice.works.map((work) => at.get(work.interval.start)!)
    for (const finding of await compareSlice(context, slice, members)) found.set(finding.stretch, finding)
  }
  return stretches.map((stretch) => found.get(stretch)!)
}

async function compareSlice(
  context: CompareContext,
  slice: Slice,
  stretches: readonly Stretch[],
): Promise<Finding[]> {
  try {
    return await compareFetched(context, slice, stretches)
  } catch (error) {
    context.ports.signal.throwIfAborted()
    if (!(error instanceof DruidsyncError)) throw error
    if (error instanceof SegmentLacking) return compareSlice(context, slice, stretches)
    const smaller = error.asksForLess ? halves(slice, context.settings.aggregate?.every) : undefined
    if (smaller === undefined) {
      // What Druid refuses to this user it refuses of every slice.
      const isOfSlice =
        error.asksForLess || (concernsOneDatasource(error) && error.exitCode === ExitCode.failed)
      if (!isOfSlice) throw error
      return stretches.map((stretch) => unanswered(stretch, error.message))
    }
    const [first, second] = smaller
    if (stretches.length > 1) {
      const middle = first.works.length
      return [
        ...(await compareSlice(context, first, stretches.slice(0, middle))),
        ...(await compareSlice(context, second, stretches.slice(middle))),
      ]
    }
    const [a] = await compareSlice(context, first, stretches)
    const [b] = await compareSlice(context, second, stretches)
    return [joined(a!, b!)]
  }
}

/** The finding on a stretch that had to be compared in two halves. */
function joined(a: Finding, b: Finding): Finding {
  if (a.failure !== undefined) return a
  if (b.failure !== undefined) return b
  return {
    stretch: a.stretch,
    druidRows: a.druidRows + b.druidRows,
    duckdbRows: a.duckdbRows + b.duckdbRows,
    isEqual: a.isEqual && b.isEqual,
    columns: [...new Set([...a.columns, ...b.columns])],
    examples: [...a.examples, ...b.examples].slice(0, 2 * EXAMPLES),
  }
}

async function compareFetched(
  context: CompareContext,
  slice: Slice,
  stretches: readonly Stretch[],
): Promise<Finding[]> {
  const { ports, source, shape, held, numbering } = context
  const { engine, file, signal } = ports
  // A half has bounds of its own: its works say what is compared.
  const intervals = slice.works.map((work) => work.interval)
  const known: Slice = {
    ...slice,
    works: slice.works.map((work) => ({ ...work, expectedRows: work.expectedRows ?? 0 })),
  }
  const number = numbering.next++
  const fetched = await fetchSlice(ports, { source, ...shape, rowBytes: undefined }, known, number)
  const staged = `stage_${number}`
  try {
    const rows = await stage(engine, staged, fetched.paths, shape.columns, intervals, undefined, fetched.form)
    await checkSegments(ports, fetched, rows.perSegment)
    await removeSpooled(fetched.paths)
    const { names, druid, duckdb } = sideColumns(context)
    const stored = `file.${quoteName(held.table)}`
    const where = duckdbWhere(intervals)
    const bucket = storedBucket(intervals)
    return await file.read(async () => {
      const storedCounts = await countsByInterval(engine, stored, intervals, where)
      const sides: Sides = {
        names,
        left: sideSql(druid, quoteName(staged), bucket),
        right: sideSql(duckdb, `${stored} WHERE ${where}`, bucket),
      }
      const { aggregate } = source
      const compared = aggregate === undefined ? sides : loosened(sides, aggregate, shape.columns)
      const differences = await compareMultisets(engine, compared, intervals.length)
      return differences.map(({ onlyLeft, onlyRight, columns, examples }, n): Finding => {
        const both = { druidRows: rows.counts[n]!, duckdbRows: storedCounts[n]! }
        return {
          stretch: stretches[n]!,
          ...both,
          isEqual: onlyLeft + onlyRight === 0,
          columns: both.druidRows === both.duckdbRows ? columns : [],
          examples: examples.map((row) => exampleOf(row, names)),
        }
      })
    }, signal)
  } finally {
    await removeSpooled(fetched.paths)
    await dropStaged(engine, staged)
  }
}

/** Each column of either side, brought to one type as a commit would bring it. The time comes first. */
function sideColumns(context: CompareContext): {
  names: string[]
  druid: SideColumn[]
  duckdb: SideColumn[]
} {
  const held = new Map(context.held.columns.map((column) => [column.name, column]))
  const found: { name: string; type: string; druid: string; duckdb: string }[] = []
  for (const column of context.shape.columns) {
    const stored = held.get(column.name)
    held.delete(column.name)
    const target = quoteName(column.target)
    if (stored === undefined) {
      const type = column.duckdbType
      found.push({ name: column.name, type, druid: target, duckdb: `NULL::${type}` })
      continue
    }
    const type = commonColumn(stored, column).duckdbType
    found.push({
      name: column.name,
      type,
      druid: conversion(target, column.duckdbType, type),
      duckdb: conversion(quoteName(stored.target), stored.duckdbType, type),
    })
  }
  for (const stored of held.values()) {
    if (stored.name === ROW_HASH_NAME) continue
    const type = stored.duckdbType
    found.push({ name: stored.name, type, druid: `NULL::${type}`, duckdb: quoteName(stored.target) })
  }
  found.sort((a, b) => Number(b.name === "__time") - Number(a.name === "__time"))
  return {
    names: found.map(({ name }) => name),
    druid: found.map(({ type, druid }) => ({ type, expression: druid })),
    duckdb: found.map(({ type, duckdb }) => ({ type, expression: duckdb })),
  }
}

function exampleOf({ times, values }: OddRow, names: readonly string[]): Example {
  const cut = (text: string) =>
    text.length > EXAMPLE_CHARACTERS ? `${text.slice(0, EXAMPLE_CHARACTERS)}…` : text
  return {
    only: times > 0 ? "druid" : "duckdb",
    times: Math.abs(times),
    row: Object.fromEntries(names.map((name, k) => [name, values[k] == null ? null : cut(values[k])])),
  }
}
