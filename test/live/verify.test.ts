/**
 * `verify` on a real Druid: that its fingerprints are the same for every kind of column, and that both ways to compare
 * see every column change. With the built executable, or with the sources where `DRUIDSYNC_LIVE_RUNNER=sources` says so.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { type Druid, ingest, markUnused } from "../../scripts/druid/index.ts"
import type { VerifyReport } from "../../src/commands/verify/document.ts"
import { execute, query } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { bunSource, executable } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { kinds, matrixLines, matrixRows } from "../types/matrix.ts"
import { liveDruid, tag } from "./support.ts"

const INGESTION_MS = 240_000
const MATRIX = `verify matrix ${tag}`
const JSONS = `verify json ${tag}`

/** Days of nested data that Druid stores in different ways: mixed scalars, numbers, arrays, objects, all of them. */
const NESTED: readonly (readonly string[])[] = [
  ["5", '"str"', "2.5", "true", "null", "1e20", "-0.0", '"q\\"uo"'],
  ["1", "2.5", "3e10"],
  ["true", "false"],
  ['"a"', '"b\\u0000"', '"\\u2028 é 😀"'],
  ["1", "[1,2]", '{"a":1}', '"x"', "2.0", "12345678901234567890"],
  ['[1,"a"]', "[]", "[null]", "[[1],[2]]"],
  ["{}", '{"a":{}}', '{"a":null}', '{"a":1.0,"b":1e3,"c":"\\u0001/"}'],
]

let druid: Druid
let copy: Stage

async function verify(...flags: string[]): Promise<VerifyReport> {
  const args = ["verify", "--config", copy.configPath, "--out", copy.out, "--json", ...flags]
  const result = await copy.runner.run(args)
  const report = JSON.parse(result.stdout) as VerifyReport
  expect(report.exitCode).toBe(result.exitCode as VerifyReport["exitCode"])
  return report
}

beforeAll(async () => {
  druid = await liveDruid()
  const all = kinds({ major: Number(druid.settings.version.split(".")[0]) })
  const nested = NESTED.flatMap((day, d) =>
    day.map((value, i) => `{"__time":${Date.UTC(2020, 0, d + 1) + i},"k":${i},"j":${value}}`),
  )
  await Promise.all([
    ingest(druid, {
      datasource: MATRIX,
      rows: matrixLines(all),
      dimensions: [
        { type: "long", name: "id" },
        ...all.flatMap(({ dimension }) => (dimension === undefined ? [] : [dimension])),
      ],
      metrics: all.flatMap(({ metric }) => (metric === undefined ? [] : [metric])),
    }),
    ingest(druid, {
      datasource: JSONS,
      rows: nested,
      timestampSpec: { column: "__time", format: "millis" },
      dimensions: [
        { type: "long", name: "k" },
        { type: "json", name: "j" },
      ],
    }),
  ])
  const runner = process.env.DRUIDSYNC_LIVE_RUNNER === "sources" ? bunSource() : executable()
  copy = new Stage(liveWorld(druid, tag), runner)
  copy.config([
    { name: MATRIX, table: "matrix" },
    { name: JSONS, table: "jsons" },
  ])
  const pulled = await copy.pull()
  if (pulled.exitCode !== 0) throw new Error(`exit ${pulled.exitCode}\n${pulled.stderr}`)
  const [row] = await query(copy.out, "SELECT count(*) AS n FROM matrix")
  expect(row!.n).toBe(BigInt(matrixRows(all)))
}, INGESTION_MS)

afterAll(async () => {
  copy?.close()
  for (const datasource of [MATRIX, JSONS]) await markUnused(druid, datasource).catch(() => undefined)
})

describe("a copy of every kind of column", () => {
  it("is equal by fingerprints, all but lists of doubles to the last bit", async () => {
    const report = await verify()
    expect(report.datasources.flatMap((one) => one.different)).toEqual([])
    expect(report).toMatchObject({ outcome: "equal", exitCode: 0 })
    const types = await query(
      copy.out,
      "SELECT column_name AS name, data_type AS type FROM duckdb_columns() WHERE table_name IN ('matrix', 'jsons')",
    )
    const typeOf = new Map(types.map((row) => [String(row.name), String(row.type)]))
    const partly = report.datasources.flatMap((one) => one.partlyCompared)
    expect([...new Set(partly.map((name) => typeOf.get(name)))].sort()).toEqual(["DOUBLE[]"])
  }, 120_000)

  it("is equal row by row", async () => {
    expect(await verify("--deep")).toMatchObject({ outcome: "equal", exitCode: 0 })
  }, 120_000)

  for (const flags of [[], ["--deep"]]) {
    it(`shows each column of which one value was lost ${flags.join("")}`, async () => {
      const names = await query(
        copy.out,
        "SELECT column_name AS name FROM duckdb_columns() WHERE table_name = 'matrix' AND column_name NOT IN ('__time', 'id')",
      )
      const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
      const counts = names.map(({ name }, n) => `count(${quoted(String(name))}) AS c${n}`)
      const [count] = await query(copy.out, `SELECT ${counts.join(", ")} FROM matrix`)
      // Two kinds hold nothing but NULL: there is no value to lose.
      const columns = names.flatMap(({ name }, n) => (count![`c${n}`] === 0n ? [] : [String(name)]))
      expect(columns.length).toBeGreaterThan(20)
      const lose = (name: string) =>
        `UPDATE matrix SET ${quoted(name)} = NULL WHERE rowid = (SELECT max(rowid) FROM matrix WHERE ${quoted(name)} IS NOT NULL)`
      await execute(copy.out, ...columns.map(lose))
      const report = await verify(...flags)
      expect(report).toMatchObject({ outcome: "different", exitCode: 1 })
      const different = report.datasources.find((one) => one.datasource === MATRIX)!.different
      expect([...new Set(different.flatMap((one) => one.columns))].sort()).toEqual([...columns].sort())
      const repaired = await verify("--repair", ...flags)
      expect(repaired).toMatchObject({ outcome: "equal", exitCode: 0 })
      expect(repaired.datasources.find((one) => one.datasource === MATRIX)!.repaired).toHaveLength(
        different.length,
      )
    }, 240_000)
  }
})
