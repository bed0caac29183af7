/**
 * Every kind of column on a real Druid, value by value (invariant I7). With the built executable, or with the sources
 * where `DRUIDSYNC_LIVE_RUNNER=sources` says so. It runs on each release that `scripts/druid` can start.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { type Druid, ingest, markUnused } from "../../scripts/druid/index.ts"
import { quoteText } from "../../src/druid/sql.ts"
import { query } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { bunSource, executable } from "../support/conformance/runner.ts"
import { type Pulled, Stage } from "../support/conformance/stage.ts"
import { DRUIDS_BYTES, expected, type Kind, kinds, matrixLines, matrixRows } from "../types/matrix.ts"
import { random } from "../types/random.ts"
import { liveDruid, tag } from "./support.ts"

const INGESTION_MS = 240_000

let druid: Druid
let major: number
const made: string[] = []
const stages: Stage[] = []

/** @param always keys of each of its configurations */
function stage(always: Readonly<Record<string, unknown>> = {}): Stage {
  const runner = process.env.DRUIDSYNC_LIVE_RUNNER === "sources" ? bunSource() : executable()
  const one = new Stage(liveWorld(druid, tag), runner, always)
  stages.push(one)
  return one
}

/** A pull that must be complete. */
async function complete(copy: Stage): Promise<Pulled> {
  const pulled = await copy.pull()
  if (pulled.exitCode !== 0) throw new Error(`exit ${pulled.exitCode}\n${pulled.stdout}\n${pulled.stderr}`)
  return pulled
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
    await complete(copy)
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

  it("is the same past the broker, where the release says which column is which", async () => {
    // Pairs are objects there, and texts of an order of its own in SQL: with one of them, all goes through SQL.
    const exclude = all.filter(({ comment }) => comment.includes("serializablePair")).map((kind) => kind.name)
    const datasource = name("matrix")
    const through = stage()
    through.config([{ name: datasource, table: "matrix", columns: { exclude } }])
    await complete(through)
    const past = stage({ direct: true })
    past.config([{ name: datasource, table: "matrix", columns: { exclude } }])
    const { report, rows: fetched } = await complete(past)
    if (major >= 33) expect(report.datasources[0]!.rowsPastBroker).toBe(fetched)
    const read = (out: string) =>
      query(out, "SELECT * REPLACE (epoch_ms(__time) AS __time) FROM matrix ORDER BY id")
    expect(await read(past.out)).toEqual(await read(through.out))
  })

  // The names do not depend on the release; kinds that a release lacks are left out below.
  for (const { name: column } of kinds({ major: 33 })) {
    it(`keeps ${column}`, () => {
      const kind = all.find((one) => one.name === column)
      if (kind === undefined) return expect(major).toBeLessThan(33)
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

describe("time", () => {
  const MS = { first: -62135596800000n, before: -1n, last: 253402300799999n }
  // The least and the greatest whole days that a DuckDB TIMESTAMP can hold.
  const far = { least: -9223371936000000n, greatest: 9223372022400000n }
  const lines = (times: readonly bigint[]) => times.map((ms, n) => `{"ms":${ms},"n":${n}}`)
  const load = (datasource: string, times: readonly bigint[]) =>
    ingest(druid, {
      datasource,
      rows: lines(times),
      segmentGranularity: "YEAR",
      dimensions: [{ type: "long", name: "n" }],
      timestampSpec: { column: "ms", format: "millis" },
    })

  it(
    "is kept from the year 1 to 9999, and to the ends of DuckDB's own range",
    async () => {
      const datasource = name("years")
      const times = [far.least, MS.first, MS.before, 0n, MS.last, MS.last + 1n, far.greatest]
      await load(datasource, times)
      const copy = stage()
      copy.config([{ name: datasource, table: "years" }])
      const pulled = await copy.pull()
      expect([pulled.exitCode, pulled.rows]).toEqual([0, times.length])
      const rows = await query(copy.out, "SELECT epoch_ms(__time) AS ms FROM years ORDER BY n")
      expect(rows.map((row) => row.ms)).toEqual(times)
      expect(await query(copy.out, "SELECT __time::VARCHAR AS t FROM years WHERE n = 1")).toEqual([
        { t: "0001-01-01 00:00:00" },
      ])
      expect((await copy.pull()).rows).toBe(0)
    },
    INGESTION_MS,
  )

  it(
    "beyond it is refused with the interval of the row, and stops no other datasource",
    async () => {
      const beyond = name("beyond")
      await load(beyond, [0n, 9223372036854776n + 86_400_000n * 366n])
      const beside = name("beside")
      await load(beside, [0n])
      const copy = stage()
      copy.config([
        { name: beyond, table: "beyond" },
        { name: beside, table: "beside" },
      ])
      const pulled = await copy.pull()
      expect(pulled.exitCode).toBe(1)
      const [failed, other] = pulled.report.datasources
      expect(failed!.error!.code).toBe("type")
      expect(failed!.error!.message).toMatch(/294248-|294247-/)
      expect(failed!.error!.hint).toMatch(/since|filter/)
      expect(other!.outcome).toBe("complete")
    },
    INGESTION_MS,
  )
})

describe("Druid's first instant", () => {
  it(
    "is -infinity: rows without granularity are copied, verified, added to and split among machines",
    async () => {
      const datasource = name("first instant")
      const load = (ns: readonly number[], append: boolean) =>
        ingest(druid, {
          datasource,
          append,
          rows: ns.map((n) => ({ __time: `2024-01-0${n}`, n })),
          segmentGranularity: "ALL",
          queryGranularity: "ALL",
          dimensions: [{ type: "long", name: "n" }],
        })
      await load([1, 2, 3], false)
      const copy = stage()
      copy.config([{ name: datasource, table: "first" }])
      await complete(copy)
      await load([4, 5], true)
      expect((await complete(copy)).report.datasources[0]).toMatchObject({
        rows: 5,
        cursor: "-146136543-09-08T08:23:32.096Z",
      })
      const times = "SELECT __time::VARCHAR AS t, count(*) AS rows FROM first GROUP BY ALL"
      expect(await query(copy.out, times)).toEqual([{ t: "-infinity", rows: 5n }])
      for (const flags of [[], ["--deep"]]) {
        const args = ["verify", "--config", copy.configPath, "--out", copy.out, ...flags]
        expect((await copy.runner.run(args)).exitCode).toBe(0)
      }
      let own = 0
      for (const shard of ["1/2", "2/2"]) {
        const one = stage()
        one.config([{ name: datasource, table: "first" }])
        own += (await one.pull("--shard", shard)).rows
      }
      expect(own).toBe(5)
    },
    INGESTION_MS,
  )
})

describe("drift between pulls", () => {
  const day = (n: number) => `2020-01-0${n}`
  const typed = (type: string, ...names: string[]) => names.map((column) => ({ type, name: column }))

  it(
    "is shown by the plan, said by the run, and loses nothing",
    async () => {
      const datasource = name("drift")
      await ingest(druid, {
        datasource,
        rows: [
          {
            __time: day(1),
            n: 1,
            number: 5,
            text: 7,
            big: "9007199254740993",
            tag: "a",
            gone: "x",
            same: "s",
          },
          { __time: day(1), n: 2, number: null, text: null, big: 1, tag: '["a","b"]', gone: null, same: "t" },
        ],
        dimensions: [
          ...typed("long", "n", "number", "text", "big"),
          ...typed("string", "tag", "gone", "same"),
        ],
      })
      const copy = stage()
      copy.config([{ name: datasource, table: "drift" }])
      await complete(copy)
      await ingest(druid, {
        datasource,
        rows: [
          { __time: day(2), n: 3, number: 1.5, text: "seven", big: 0.5, tag: ["p", "q"], same: "u", more: 1 },
          { __time: day(2), n: 4, number: 1e300, text: "", big: 2, tag: null, same: null, more: null },
        ],
        dimensions: [
          ...typed("long", "n", "more"),
          ...typed("double", "number", "big"),
          ...typed("string", "text", "tag", "same"),
        ],
      })
      const planned = await copy.runner.run(copy.args("--dry-run", "--json"))
      const [plan] = (JSON.parse(planned.stdout) as { datasources: { schemaChanges: string[] }[] })
        .datasources
      const says = [
        'column "more" is new (BIGINT)',
        'column "number" became DOUBLE (was BIGINT)',
        'column "tag" became VARCHAR[] (was VARCHAR)',
        'column "text" became VARCHAR (was BIGINT)',
      ]
      for (const text of says) expect(plan!.schemaChanges).toContain(text)

      const pulled = await copy.pull()
      expect([pulled.exitCode, pulled.rows]).toEqual([0, 2])
      for (const text of says) expect(pulled.report.datasources[0]!.schemaChanges).toContain(text)
      expect(pulled.stderr).toContain('"big" became VARCHAR')
      expect(await query(copy.out, "SELECT * EXCLUDE (__time) FROM drift ORDER BY n")).toEqual([
        {
          n: 1n,
          number: 5,
          text: "7",
          big: "9007199254740993",
          tag: ["a"],
          gone: "x",
          same: "s",
          more: null,
        },
        {
          n: 2n,
          number: null,
          text: null,
          big: "1",
          tag: ['["a","b"]'],
          gone: null,
          same: "t",
          more: null,
        },
        { n: 3n, number: 1.5, text: "seven", big: "0.5", tag: ["p", "q"], gone: null, same: "u", more: 1n },
        {
          n: 4n,
          number: 1e300,
          text: "",
          big: "2.0",
          tag: null,
          gone: null,
          same: null,
          more: null,
        },
      ])
      const [state] = await query(copy.out, "SELECT columns::VARCHAR AS columns FROM _sync_state")
      const kept = JSON.parse(String(state!.columns)) as { name: string; duckdbType: string }[]
      expect(kept.find((column) => column.name === "big")!.duckdbType).toBe("VARCHAR")
      expect((await copy.pull()).rows).toBe(0)
    },
    INGESTION_MS,
  )

  it(
    "a first pull over segments with different types keeps the values of each",
    async () => {
      const datasource = name("mixed")
      await ingest(druid, {
        datasource,
        rows: [
          {
            __time: day(1),
            n: 1,
            a: 5,
            c: "9007199254740993",
            small: 3,
            tag: ["p", "q"],
            j: "str",
            b: "abc",
            d: 1.5,
          },
        ],
        dimensions: [
          ...typed("long", "n", "a", "c", "small"),
          ...typed("string", "tag", "j", "b"),
          ...typed("double", "d"),
        ],
      })
      await ingest(druid, {
        datasource,
        rows: [{ __time: day(2), n: 2, a: "s", c: 2.25, small: 0.5, tag: 4, j: { y: 1 }, b: 7, d: 9 }],
        dimensions: [
          ...typed("long", "n", "tag", "b", "d"),
          ...typed("string", "a"),
          ...typed("double", "c", "small"),
          ...typed("json", "j"),
        ],
      })
      const copy = stage()
      copy.config([{ name: datasource, table: "mixed" }])
      const pulled = await copy.pull()
      expect(pulled.exitCode).toBe(0)
      // Druid's merged metadata says of "tag", whose types differ, that no row has several values. 25 takes the newest
      // type, LONG, where 28 and 33 take one that holds both, and then gives lists of that column as text only.
      const isNewest = major < 28
      const tags = isNewest ? ['["p","q"]', "4"] : [["p", "q"], ["4"]]
      const d = isNewest ? ["1.5", "9"] : [1.5, 9]
      const rows = await query(copy.out, "SELECT * EXCLUDE (__time) FROM mixed ORDER BY n")
      expect(rows).toEqual([
        { n: 1n, a: "5", c: "9007199254740993", small: 3, tag: tags[0], j: '"str"', b: "abc", d: d[0] },
        { n: 2n, a: "s", c: "2.25", small: 0.5, tag: tags[1], j: '{"y":1}', b: "7", d: d[1] },
      ])
      expect(pulled.stderr).toContain('column "c": some segments have it as LONG')
      expect(pulled.stderr).not.toContain('column "small"')
    },
    INGESTION_MS,
  )
})

describe("names", () => {
  const columns = [
    "a b",
    'q"uote',
    "it's",
    "select",
    "ünï",
    "数据",
    "Foo",
    "foo",
    "FOO",
    "foo_2",
    "_under",
    "_row_hash",
    "json",
    "rowid",
    "0",
    "a.b",
    "$1",
    "--",
    "/*",
    "'); DROP TABLE odd; --",
    '"; DROP TABLE odd; --',
    "__TIME",
    "`tick`",
    "a\\b",
    "😀",
  ]

  it(
    "of datasources and columns come through, and none is taken for SQL",
    async () => {
      const datasource = name(`we"ird nä'me 数`)
      await ingest(druid, {
        datasource,
        rows: [
          Object.fromEntries([
            ["__time", "2020-01-01"],
            ...columns.map((column) => [column, `of ${column}`]),
          ]),
        ],
        dimensions: columns,
      })
      const copy = stage()
      copy.config([{ name: datasource, filter: `"it's" = 'of it''s' -- or nothing`, rowHash: true }])
      const pulled = await copy.pull()
      if (pulled.exitCode !== 0) throw new Error(pulled.stdout + pulled.stderr)
      const table = `types_we_ird_nä_me_数_${tag}`
      const listed = await query(
        copy.out,
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = $1",
        [table],
      )
      const [row] = await query(copy.out, `SELECT * FROM ${quoted(table)}`)
      const found = new Map(listed.map((one) => [String(one.column_name), String(one.comment)]))
      for (const column of columns) {
        const target = [...found].find(
          ([key, comment]) =>
            comment === `Druid STRING, column "${column}" in Druid` ||
            (key === column && comment === "Druid STRING"),
        )
        expect([column, target === undefined ? undefined : row![target[0]]]).toEqual([column, `of ${column}`])
      }
      expect(String(row!._row_hash_2)).toMatch(/^[0-9a-f]{64}$/)
      expect((await copy.pull()).rows).toBe(0)
    },
    INGESTION_MS,
  )
})

describe("texts in statements", () => {
  it("come back from Druid as they were, whatever they hold", async () => {
    const r = random(11)
    const pieces = [
      "'",
      '"',
      "\\",
      "--",
      "/*",
      ";",
      "?",
      "\n",
      "é",
      "数",
      "😀",
      "\u2028",
      "U&'",
      "') OR TRUE --",
      " ",
      "a",
      "\t",
      "`",
    ]
    const texts = Array.from({ length: 200 }, () =>
      Array.from({ length: r.int(0, 6) }, () => r.of(pieces)!).join(""),
    )
    for (let n = 0; n < texts.length; n += 50) {
      const some = texts.slice(n, n + 50)
      const [row] = await ask(`SELECT ${some.map(quoteText).join(", ")}`)
      expect(row).toEqual(some)
    }
  }, 60_000)
})

describe("shaping", () => {
  const rows = Array.from({ length: 6 }, (_, n) => ({
    __time: `2020-01-0${n + 1}`,
    n,
    page: n % 2 === 0 ? "even" : "it's odd",
    user: `u${n}`,
    tags: n === 5 ? ["x", "y"] : "x",
  }))
  const load = (datasource: string) =>
    ingest(druid, { datasource, rows, dimensions: [{ type: "long", name: "n" }, "page", "user", "tags"] })

  it(
    "fetches again what a changed setting asks for, says why, and nothing for another table name",
    async () => {
      const datasource = name("shaping")
      await load(datasource)
      const copy = stage()
      const reasons = async () => {
        const { stdout } = await copy.runner.run(copy.args("--dry-run", "--json"))
        const [plan] = (JSON.parse(stdout) as { datasources: { fetch: { reason: string }[] }[] }).datasources
        return [...new Set(plan!.fetch.map((one) => one.reason))]
      }
      const table = async (what: string) =>
        (await query(copy.out, `SELECT ${what} FROM shaped ORDER BY n`)).flatMap(Object.values)

      copy.config([{ name: datasource, table: "first" }])
      expect((await complete(copy)).rows).toBe(6)
      copy.config([{ name: datasource, table: "shaped" }])
      const renamed = await complete(copy)
      expect(renamed.rows).toBe(0)
      expect(renamed.report.datasources[0]!.schemaChanges).toEqual([
        'the table is renamed from "first" to "shaped"',
      ])
      expect(await table("n")).toEqual([0n, 1n, 2n, 3n, 4n, 5n])
      copy.config([{ name: datasource, table: "Shaped" }])
      expect((await complete(copy)).rows).toBe(0)

      copy.config([{ name: datasource, table: "shaped", filter: `page = 'it''s odd'` }])
      expect(await reasons()).toEqual(["the config changed: filter"])
      await complete(copy)
      expect(await table("n")).toEqual([1n, 3n, 5n])

      copy.config([{ name: datasource, table: "shaped", columns: { exclude: ["user"] } }])
      expect(await reasons()).toEqual(["the config changed: columns, filter"])
      const excluded = await complete(copy)
      expect(excluded.rows).toBe(6)
      expect(excluded.report.datasources[0]!.schemaChanges).toEqual([
        'column "user" is now excluded by the config; it stays here and is NULL in new rows',
      ])
      expect(await table("user")).toEqual([null, null, null, null, null, null])

      copy.config([{ name: datasource, table: "shaped", columns: ["n", "page", "tags"], multiValue: "json" }])
      expect(await reasons()).toEqual(["the config changed: columns, multiValue"])
      await complete(copy)
      expect(await table("tags")).toEqual(['["x"]', '["x"]', '["x"]', '["x"]', '["x"]', '["x","y"]'])
      const [type] = await query(copy.out, "SELECT typeof(tags) AS t FROM shaped LIMIT 1")
      expect(type!.t).toBe("JSON")

      copy.config([{ name: datasource, table: "shaped", columns: ["n", "page", "tags"] }])
      await complete(copy)
      expect(await table("tags")).toEqual([["x"], ["x"], ["x"], ["x"], ["x"], ["x", "y"]])

      copy.config([{ name: datasource, table: "shaped", columns: ["n", "page", "tags"], rowHash: true }])
      expect(await reasons()).toEqual(["the config changed: rowHash"])
      await complete(copy)
      const wanted = rows.map(({ __time, n, page, tags }) =>
        createHash("sha256")
          .update(
            JSON.stringify({
              __time: Date.parse(__time),
              n,
              page,
              tags: typeof tags === "string" ? [tags] : tags,
            }),
          )
          .digest("hex"),
      )
      expect(await table("_row_hash")).toEqual(wanted)
      expect((await complete(copy)).rows).toBe(0)
    },
    INGESTION_MS,
  )

  it(
    "starts where since says, and fetches only what an earlier one adds",
    async () => {
      const datasource = name("since")
      await load(datasource)
      const copy = stage()
      copy.config([{ name: datasource, table: "t", since: "2020-01-04T00:00:00Z" }])
      expect((await complete(copy)).rows).toBe(3)
      copy.config([{ name: datasource, table: "t", since: "2020-01-02" }])
      expect((await complete(copy)).rows).toBe(2)
      copy.config([{ name: datasource, table: "t", since: "2020-01-05" }])
      expect((await complete(copy)).rows).toBe(0)
      const [count] = await query(copy.out, "SELECT count(*) AS n FROM t")
      expect(count!.n).toBe(5n)
    },
    INGESTION_MS,
  )

  it(
    "gives Druid's own words for a filter or a column that it does not know, before anything is fetched",
    async () => {
      const datasource = name("refused")
      await load(datasource)
      const copy = stage()
      const wrong: [object, RegExp][] = [
        [{ filter: "nope = 1" }, /does not accept the "filter".*'nope' not found/],
        [{ filter: "page" }, /does not accept the "filter"/],
        [{ filter: "page =" }, /does not accept the "filter"/],
        [{ filter: "TRUE) OR (TRUE" }, /does not accept the "filter"/],
        [{ filter: "n > 1; SELECT 2" }, /does not accept the "filter"/],
        [{ columns: ["n", "nope"] }, /has no column "nope"/],
      ]
      for (const [shape, message] of wrong) {
        copy.config([{ name: datasource, table: "t", ...shape }])
        const pulled = await copy.pull()
        expect([shape, pulled.exitCode, pulled.rows]).toEqual([shape, 2, 0])
        expect(pulled.report.datasources[0]!.error!.message).toMatch(message)
      }
      expect(existsSync(copy.out)).toBe(false)
    },
    INGESTION_MS,
  )
})
