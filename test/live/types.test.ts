/**
 * Every kind of column on a real Druid, value by value (invariant I7). With the built executable, or with the sources
 * where `DRUIDSYNC_LIVE_RUNNER=sources` says so. It runs on each release that `scripts/druid` can start.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { type Druid, ingest, markUnused } from "../../scripts/druid/index.ts"
import { query } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { executable, inProcess } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { DRUIDS_BYTES, expected, type Kind, kinds, matrixLines, matrixRows } from "../types/matrix.ts"
import { liveDruid, tag } from "./support.ts"

const INGESTION_MS = 240_000

let druid: Druid
let major: number
const made: string[] = []
const stages: Stage[] = []

function stage(): Stage {
  const runner = process.env.DRUIDSYNC_LIVE_RUNNER === "sources" ? inProcess() : executable()
  const one = new Stage(liveWorld(druid, tag), runner)
  stages.push(one)
  return one
}

/** A name of our own in this Druid. */
function name(what: string): string {
  const datasource = `types ${what} ${tag}`
  if (!made.includes(datasource)) made.push(datasource)
  return datasource
}

/** Rows of a Druid query as Druid wrote them. */
async function ask(sql: string): Promise<unknown[][]> {
  const response = await fetch(`${druid.routerUrl}/druid/v2/sql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: sql, resultFormat: "array", context: { sqlStringifyArrays: false } }),
  })
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}\n${sql}`)
  return (await response.json()) as unknown[][]
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`

beforeAll(async () => {
  druid = await liveDruid()
  major = Number(druid.settings.version.split(".")[0])
})
afterAll(async () => {
  for (const one of stages) one.close()
  for (const datasource of made) await markUnused(druid, datasource).catch(() => undefined)
})

describe("every kind of column", () => {
  let all: Kind[]
  let rows: Record<string, unknown>[]
  let druids: Map<string, unknown>[]
  let columns: Map<string, { type: string; comment: string }>

  beforeAll(async () => {
    all = kinds({ major })
    const datasource = name("matrix")
    await ingest(druid, {
      datasource,
      rows: matrixLines(all),
      dimensions: [
        { type: "long", name: "id" },
        ...all.flatMap(({ dimension }) => (dimension === undefined ? [] : [dimension])),
      ],
      metrics: all.flatMap(({ metric }) => (metric === undefined ? [] : [metric])),
    })
    const copy = stage()
    copy.config([{ name: datasource, table: "matrix" }])
    const pulled = await copy.pull()
    if (pulled.exitCode !== 0) throw new Error(`exit ${pulled.exitCode}\n${pulled.stdout}\n${pulled.stderr}`)
    rows = await query(copy.out, "SELECT * REPLACE (epoch_ms(__time) AS __time) FROM matrix ORDER BY id")
    const listed = await query(
      copy.out,
      "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = 'matrix'",
    )
    columns = new Map(
      listed.map((row) => [
        String(row.column_name),
        { type: String(row.data_type), comment: String(row.comment) },
      ]),
    )
    const opaque = all.filter((kind) => kind.absent === DRUIDS_BYTES).map((kind) => kind.name)
    const answer = await ask(
      `SELECT id, ${opaque.map(quoted).join(", ")} FROM ${quoted(datasource)} ORDER BY __time`,
    )
    druids = answer.map((values) => new Map(opaque.map((column, n) => [column, values[n + 1]])))
  }, INGESTION_MS)

  it("arrives in full, in order of the rows' times", () => {
    expect(rows.map((row) => row.id)).toEqual(Array.from({ length: matrixRows(all) }, (_, n) => BigInt(n)))
    expect(rows[3]!.__time).toBe(BigInt(Date.UTC(2020, 0, 1, 0, 0, 3)))
  })

  // The names do not depend on the release; kinds that a release lacks are left out below.
  for (const { name: column } of kinds({ major: 33 })) {
    it(`keeps ${column}`, () => {
      const kind = all.find((one) => one.name === column)
      if (kind === undefined) return expect(major).toBeLessThan(28)
      expect(columns.get(column)).toEqual({ type: kind.duckdbType, comment: kind.comment })
      for (const [n, row] of rows.entries()) {
        const wanted = expected(kind, n)
        const found = row[column]
        if (wanted === DRUIDS_BYTES) expect([n, asDruid(found)]).toEqual([n, druids[n]!.get(column) ?? null])
        else expect([n, found]).toEqual([n, wanted])
      }
    })
  }
})

/** A stored sketch or pair as Druid's JSON gives it: base64 as a JSON string, or a JSON object. */
function asDruid(value: unknown): unknown {
  return value instanceof Uint8Array ? JSON.stringify(Buffer.from(value).toString("base64")) : value
}
