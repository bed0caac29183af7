/** Names in DuckDB: whatever Druid calls its columns, each has one of its own in the table, and none is taken for SQL. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fold } from "../../src/base/names.ts"
import { type Engine, openEngine } from "../../src/store/engine.ts"
import { databaseFile } from "../../src/store/file/file.ts"
import { readState } from "../../src/store/notes/state.ts"
import type { StoredColumn } from "../../src/store/notes/tables.ts"
import { OWN_TABLES } from "../../src/store/notes/tables.ts"
import { commit } from "../../src/store/rows/commit.ts"
import { reconcile } from "../../src/store/rows/drift.ts"
import { targetNames } from "../../src/store/rows/target-names.ts"
import { type Random, random } from "./random.ts"

const PIECES = [
  "a",
  "A",
  "b",
  "B",
  "_",
  "_2",
  "_3",
  " ",
  ".",
  '"',
  "'",
  "`",
  "\\",
  ";",
  "--",
  "/*",
  "*/",
  "(",
  ")",
  "$1",
  "?",
  "%",
  "\u0000",
  "\n",
  "\t",
  "é",
  "É",
  "ß",
  "İ",
  "数",
  "😀",
  "\u2028",
  "\ufeff",
  "select",
  "SELECT",
  "rowid",
  "json",
  '"; DROP TABLE t; --',
  "'); DROP TABLE t; --",
  "_row_hash",
  "_sync_state",
  "__time",
  "__TIME",
] as const

function nameOf(r: Random): string {
  return Array.from({ length: r.int(1, 4) }, () => r.of(PIECES)!).join("")
}

let folder: string
let engine: Engine

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "druidsync-names-"))
  engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
})
afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

describe("names for DuckDB", () => {
  it("are all different, keep what needs no change, and never touch one that is taken", () => {
    const r = random(7)
    for (let n = 0; n < 5_000; n++) {
      const names = [...new Set(Array.from({ length: r.int(1, 12) }, () => nameOf(r)))]
      const taken = Array.from({ length: r.int(0, 4) }, () => nameOf(r))
      const targets = targetNames(names, taken)
      const all = [...new Set(taken.map(fold)), ...targets.map(fold)]
      expect(new Set(all).size).toBe(all.length)
      for (const [k, name] of names.entries()) {
        const isFree =
          !name.includes("\u0000") &&
          !taken.some((other) => fold(other) === fold(name)) &&
          !names.slice(0, k).some((other) => fold(other) === fold(name))
        if (isFree) expect(targets[k]).toBe(name)
      }
    }
  })

  it("are the same in the next run, whatever columns come beside them", () => {
    const r = random(8)
    const wanted = (names: readonly string[]) =>
      names.map((name) => ({
        name,
        druidType: "STRING",
        sqlType: "VARCHAR",
        multiValue: false,
        duckdbType: "VARCHAR",
      }))
    for (let n = 0; n < 2_000; n++) {
      const names = [...new Set(Array.from({ length: r.int(1, 10) }, () => nameOf(r)))]
      const half = names.filter(() => r.int(0, 1) === 0)
      const first = reconcile(undefined, wanted(half), { rowHash: r.int(0, 1) === 0 })
      const second = reconcile(first.table, wanted(names), { rowHash: r.int(0, 1) === 0 })
      for (const column of first.table)
        expect(second.table.find((one) => one.name === column.name)!.target).toBe(column.target)
      const targets = second.table.map((column) => fold(column.target))
      expect(new Set(targets).size).toBe(targets.length)
    }
  })

  it("make tables, comments and new columns in a real file, and nothing else", async () => {
    const r = random(9)
    for (let n = 0; n < 60; n++) {
      const path = join(folder, `${n}.duckdb`)
      const file = databaseFile(engine, {
        path,
        lockWaitMs: 0,
        clock: { nowMs: () => 0, sleep: () => Promise.resolve() },
      })
      const names = ["__time", ...new Set(Array.from({ length: r.int(1, 8) }, () => nameOf(r)))].filter(
        (name, k, all) => all.indexOf(name) === k,
      )
      const schemaOf = (some: readonly string[], stored?: readonly StoredColumn[]) =>
        reconcile(
          stored,
          some.map((name) => ({
            name,
            druidType: name === "__time" ? "LONG" : "STRING",
            sqlType: "",
            multiValue: false,
            duckdbType: name === "__time" ? "TIMESTAMP" : "VARCHAR",
          })),
        ).table
      // The client reads a text without a byte order mark at its front: no datasource may begin with one.
      const datasource = `d ${nameOf(r)}`
      // A table name of the config is any text that DuckDB can write; NUL is refused there.
      const table = `t ${nameOf(r).replaceAll("\u0000", "")}`
      const store = (schema: readonly StoredColumn[]) =>
        commit(
          engine,
          file,
          [
            {
              target: { datasource, table, settings: "", schema },
              slices: [],
              refreshed: [],
              keep: [],
              remove: [],
            },
          ],
          { id: "run", nowMs: 0 },
        )
      const first = schemaOf(names.slice(0, 3))
      await store(first)
      const second = schemaOf(names, first)
      await store(second)
      const state = await readState(engine, file)
      expect(state.held.get(table)!.columns).toEqual(second)
      expect([...state.tables].sort()).toEqual([...OWN_TABLES, table].sort())
      const listed = await file.read(() =>
        engine.rows(
          "SELECT column_name FROM duckdb_columns() WHERE database_name = 'file' AND table_name = $1 ORDER BY column_index",
          [table],
        ),
      )
      // The client leaves a byte order mark at the front of a text away.
      const bare = (text: string) => text.replace(/^\ufeff/, "")
      expect(listed.map((row) => bare(String(row[0])))).toEqual(second.map((column) => bare(column.target)))
    }
  }, 60_000)
})
