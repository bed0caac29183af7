/** Which columns each datasource has, what becomes of them in DuckDB, and what the file has now. Changes nothing. */

import type { Work } from "../../base/domain.ts"
import { concernsOneDatasource, type ExitCode, worst } from "../../base/errors.ts"
import { chunksOf } from "../../plan/chunks.ts"
import { type Subject, subjectOf } from "../../pull/judge.ts"
import { plannedLookups, wantedLookups } from "../../pull/lookups.ts"
import type { Ports, PullRequest } from "../../pull/ports.ts"
import { readShape } from "../../pull/prepare/shape.ts"
import { nothingActive } from "../../pull/refusals.ts"
import { sourceOf } from "../../pull/source.ts"
import { readState } from "../../store/notes/state.ts"
import { duckdbTypeOf } from "../../store/rows/types.ts"
import type { DatasourceSchema, SchemaColumn, SchemaReport } from "./document.ts"

/** @throws DruidsyncError if nothing can be asked at all */
export async function schemaReport(
  ports: Ports,
  request: Pick<PullRequest, "datasources" | "lookups">,
): Promise<SchemaReport> {
  const state = await readState(ports.engine, ports.file, ports.signal)
  const inventory = await ports.catalog.inventory(ports.signal)
  const datasources: DatasourceSchema[] = []
  const codes: ExitCode[] = []
  for (const settings of request.datasources) {
    // What a pattern matched once has no columns in Druid any more.
    if (settings.isMatched === true && !inventory.segments.lists(settings.name)) continue
    const subject = subjectOf(settings, { state, inventory })
    const { held } = subject
    const base = { datasource: settings.name, table: settings.table, isStored: held !== undefined }
    try {
      const columns = await schemaColumns(ports, subject)
      datasources.push({ ...base, columns, error: undefined })
    } catch (error) {
      ports.signal.throwIfAborted()
      if (!concernsOneDatasource(error)) throw error
      codes.push(error.exitCode)
      datasources.push({ ...base, columns: [], error: error.toJSON() })
    }
  }
  const { lookups } = request
  const wanted = lookups === undefined ? [] : await wantedLookups(ports, lookups, request.datasources)
  for (const { problem } of wanted) if (problem !== undefined) codes.push(problem.exitCode)
  const out = ports.file.path === "" ? null : ports.file.path
  return {
    format: 1,
    out,
    exitCode: worst(codes),
    datasources,
    ...(lookups === undefined ? {} : { lookups: plannedLookups(wanted) }),
  }
}

async function schemaColumns(ports: Ports, subject: Subject): Promise<SchemaColumn[]> {
  const { settings, inventory, held } = subject
  const chunks = chunksOf(await inventory.segments.segments(settings.name))
  if (chunks.length === 0) throw await nothingActive(ports, settings, held)
  // As a first pull would look at them: all chunks, so that a value list anywhere is seen.
  const works = chunks.map(
    (chunk): Work => ({
      interval: chunk.interval,
      chunk,
      reason: { kind: "new" },
      state: "complete",
      expectedRows: undefined,
    }),
  )
  const source = { ...sourceOf(settings), shard: undefined }
  const shape = await readShape(ports, source, subject, works)
  const stored = new Map((held?.columns ?? []).map((column) => [column.name, column]))
  const read = new Map(shape.columns.map((column) => [column.name, column]))
  const listed = inventory.columns.get(settings.name) ?? []
  const isListed = new Set(listed.map((column) => column.name))

  const result = shape.schema.map(({ name, target, duckdbType, druidType }): SchemaColumn => {
    const column = read.get(name)
    const was = stored.get(name)
    const notes: string[] = []
    if (target !== name) notes.push(`renamed: DuckDB cannot tell "${name}" apart from another column`)
    const base = { name, column: target, storedType: was?.duckdbType ?? null, notes }
    if (column === undefined) {
      const why = isListed.has(name) ? "left out by the configuration" : "gone from Druid"
      notes.push(`${why}; it stays in the table and is NULL in new rows`)
      return { ...base, druidType: null, sqlType: null, duckdbType, multiValue: false, standing: "vanished" }
    }
    if (name === "__time") notes.push("UTC, milliseconds")
    if (column.multiValue) notes.push("rows with several values")
    if (column.expression !== undefined) notes.push(`computed in Druid: ${column.expression}`)
    if (column.hashed !== undefined) notes.push("kept as the SHA-256 of hashSalt and the value")
    const { warning } = duckdbTypeOf(name, druidType, column.multiValue)
    if (warning !== undefined) notes.push(warning)
    else if (duckdbType === "BLOB" && column.hashed === undefined)
      notes.push("the sketch's own bytes, for a DataSketches library")
    const isRetyped = was !== undefined && was.duckdbType !== duckdbType
    if (isRetyped) {
      const careful = duckdbType === "DOUBLE" ? " (or VARCHAR, where a value would lose digits)" : ""
      notes.push(`is ${was.duckdbType} in the table; a pull of new rows makes it ${duckdbType}${careful}`)
    } else if (held !== undefined && was === undefined)
      notes.push("not in the table yet; a pull of new rows adds it")
    const standing = was === undefined ? "new" : isRetyped ? "retyped" : "same"
    const { sqlType, multiValue } = column
    return { ...base, druidType, sqlType, duckdbType, multiValue, standing }
  })
  for (const { name, sqlType } of listed) {
    if (read.has(name) || stored.has(name)) continue
    result.push({
      name,
      column: null,
      druidType: null,
      sqlType,
      duckdbType: null,
      storedType: null,
      multiValue: false,
      standing: "excluded",
      notes: ["left out by the configuration"],
    })
  }
  return result
}
