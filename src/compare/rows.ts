/**
 * The exact comparison (`--deep`): rows come from Druid again by the way that a pull takes them (spool, stage), slice by
 * slice, and DuckDB finds what one side has more often than the other. Memory is bounded by the slice.
 */
import { rm } from "node:fs/promises"
import type { Slice, Work } from "../base/domain.ts"
import { concernsOneDatasource, DruidsyncError, ExitCode } from "../base/errors.ts"
import { quoteName } from "../base/names.ts"
import { shareOf } from "../base/shard.ts"
import { chunksOf } from "../plan/chunks.ts"
import { halves, slicesOf } from "../plan/slices.ts"
import { fetchSlice } from "../pull/pipeline/fetch.ts"
import { conversion } from "../store/rows/convert.ts"
import { commonColumn } from "../store/rows/drift.ts"
import { countsByInterval } from "../store/rows/interval-counts.ts"
import { ROW_HASH_NAME } from "../store/rows/row-hash.ts"
import { dropStaged, stage } from "../store/rows/stage.ts"
import { type DiffColumn, differingSql, diffSql, EXAMPLES, examplesSql } from "./diff-sql.ts"
import type { Example } from "./document.ts"
import { duckdbWhere } from "./sql.ts"
import { failed, type Task, type Verdict } from "./task.ts"
import type { Unit } from "./units.ts"

/** Longer values of examples are cut. */
const EXAMPLE_CHARACTERS = 200

/** `Compare` by rows. */
export async function compareRows(task: Task, units: readonly Unit[]): Promise<Map<Unit, Verdict>> {
  const share = shareOf(task.settings.shard, task.settings.name)
  const chunks = chunksOf(task.inventory.segments.get(task.settings.name) ?? []).filter(
    (chunk) => share(chunk.interval) !== "none",
  )
  const verdicts = new Map<Unit, Verdict>()
  const unitOf = new Map<bigint, Unit>(units.map((unit) => [unit.interval.start, unit]))
  const works = units.map(
    (unit): Work => ({
      interval: unit.interval,
      chunk: unit.chunk,
      reason: { kind: "full" },
      state: "complete",
      // Nothing is counted beforehand: the rows themselves are compared.
      expectedRows: unit.part.rows,
    }),
  )
  for (const slice of slicesOf(works, chunks, task.sliceRows)) {
    const members = slice.works.map((work) => unitOf.get(work.interval.start)!)
    const results = await compareSlice(task, slice, members)
    for (const [n, unit] of members.entries()) verdicts.set(unit, results[n]!)
  }
  return verdicts
}

async function compareSlice(task: Task, slice: Slice, units: readonly Unit[]): Promise<Verdict[]> {
  try {
    return await compareFetched(task, slice, units)
  } catch (error) {
    task.ports.signal.throwIfAborted()
    if (!(error instanceof DruidsyncError)) throw error
    const smaller = error.asksForLess ? halves(slice) : undefined
    if (smaller === undefined) {
      // What Druid refuses to this user it refuses of every slice.
      const isOfSlice =
        error.asksForLess || (concernsOneDatasource(error) && error.exitCode === ExitCode.failed)
      if (!isOfSlice) throw error
      return units.map(() => failed(error.message))
    }
    const [first, second] = smaller
    if (units.length > 1) {
      const middle = first.works.length
      return [
        ...(await compareSlice(task, first, units.slice(0, middle))),
        ...(await compareSlice(task, second, units.slice(middle))),
      ]
    }
    const both = [...(await compareSlice(task, first, units)), ...(await compareSlice(task, second, units))]
    return [joined(both)]
  }
}

/** The verdict on a unit that had to be compared in two halves. */
function joined(halves: readonly Verdict[]): Verdict {
  const failure = halves.find((half) => half.failure !== undefined)
  if (failure !== undefined) return failure
  return {
    druidRows: halves.reduce((sum, half) => sum + half.druidRows, 0),
    duckdbRows: halves.reduce((sum, half) => sum + half.duckdbRows, 0),
    isEqual: halves.every((half) => half.isEqual),
    columns: [...new Set(halves.flatMap((half) => half.columns))],
    examples: halves.flatMap((half) => half.examples).slice(0, 2 * EXAMPLES),
  }
}

async function compareFetched(task: Task, slice: Slice, units: readonly Unit[]): Promise<Verdict[]> {
  const { ports, source, shape, held, numbering } = task
  const { engine, file, signal } = ports
  // A half has bounds of its own: its works say what is compared.
  const intervals = slice.works.map((work) => work.interval)
  const known: Slice = {
    ...slice,
    works: slice.works.map((work) => ({ ...work, expectedRows: work.expectedRows ?? 0 })),
  }
  const number = numbering.next++
  const fetched = await fetchSlice(ports, { source, columns: shape.columns }, known, number)
  const table = `stage_${number}`
  try {
    const staged = await stage(engine, table, fetched.path, shape.columns, intervals)
    await rm(fetched.path, { force: true })
    const columns = diffColumns(task)
    return await file.read(async () => {
      const stored = `file.${quoteName(held.table)}`
      const counts = await countsByInterval(engine, stored, intervals, duckdbWhere(intervals))
      await engine.run(diffSql(table, held.table, columns, intervals))
      const differing = new Set<number>()
      const names = units.map(() => new Set<string>())
      for (const [n] of await engine.rows(differingSql(undefined))) differing.add(Number(n))
      const examples = differing.size === 0 ? [] : await engine.rows(examplesSql(columns))
      for (const [k, column] of differing.size === 0 ? [] : columns.entries()) {
        for (const [n] of await engine.rows(differingSql(k))) names[Number(n)]?.add(column.name)
      }
      return units.map((_, n): Verdict => {
        const rows = { druidRows: staged.counts[n]!, duckdbRows: counts[n]! }
        return {
          ...rows,
          isEqual: !differing.has(n),
          columns: rows.druidRows === rows.duckdbRows ? columnsOf(names[n]!) : [],
          examples: examples.filter((row) => Number(row[0]) === n).map((row) => exampleOf(row, columns)),
        }
      })
    }, signal)
  } finally {
    await rm(fetched.path, { force: true })
    await dropStaged(engine, table)
    await dropStaged(engine, "difference")
  }
}

/** Where times differ, every value seems to: it stands at another time. */
function columnsOf(differing: ReadonlySet<string>): string[] {
  return differing.has("__time") ? ["__time"] : [...differing]
}

/** Each column of either side, brought to one type as a commit would bring it. */
function diffColumns(task: Task): DiffColumn[] {
  const held = new Map(task.held.columns.map((column) => [column.name, column]))
  const found: DiffColumn[] = []
  for (const column of task.shape.columns) {
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
  // The time comes first: what differs in a column is looked for per time.
  return found.sort((a, b) => Number(b.name === "__time") - Number(a.name === "__time"))
}

function exampleOf(row: readonly unknown[], columns: readonly DiffColumn[]): Example {
  const [, times, ...values] = row
  const cut = (text: string) =>
    text.length > EXAMPLE_CHARACTERS ? `${text.slice(0, EXAMPLE_CHARACTERS)}…` : text
  return {
    only: Number(times) > 0 ? "druid" : "duckdb",
    times: Math.abs(Number(times)),
    row: Object.fromEntries(
      columns.map((column, k) => [column.name, values[k] === null ? null : cut(String(values[k]))]),
    ),
  }
}
