/** Rows at Druid's first instant, where `queryGranularity: all` puts each of them: DuckDB's word for it is `-infinity`. */
import { describe, expect, it } from "bun:test"
import { readdirSync } from "node:fs"
import { MAX_TIME, MIN_TIME } from "../../src/base/time.ts"
import { openEngine } from "../../src/store/engine.ts"
import { Desk } from "../commands/support.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"

const FIRST = "-146136543-09-08T08:23:32.096Z"

let fake: FakeDruid
let desk: Desk
onFake(Desk, async (one, own) => {
  fake = one
  desk = own
  fake.world.append("w", [row("a"), row("b"), row(null)], { granularity: "ALL" })
  fake.world.settle()
  await desk.configure(fake, ["w"], { rowHash: true })
})

const row = (page: string | null, time: bigint | string = MIN_TIME) => ({ __time: time, page })

async function ask(sql: string): Promise<unknown> {
  const { stdout } = await desk.run(["query", "--out", "$out", "--format", "json", sql])
  return JSON.parse(stdout)
}

const pull = (...more: string[]) => desk.run(`pull -c $c -o $out ${more.join(" ")}`.trim())

describe("rows at Druid's first instant", () => {
  it("are stored as -infinity, and are the cursor where there are no others", async () => {
    expect((await pull()).code).toBe(0)
    expect(await ask("SELECT page, __time FROM w ORDER BY page")).toEqual([
      { page: "a", __time: "-infinity" },
      { page: "b", __time: "-infinity" },
      { page: null, __time: "-infinity" },
    ])
    const status = JSON.parse((await desk.run("status -o $out --json")).stdout)
    expect(status.datasources[0]).toMatchObject({ rows: 3, cursor: FIRST, isIncomplete: false })
    expect((await pull()).stderr).toContain("nothing new")
    expect((await desk.run("report -o $out")).code).toBe(0)
  })

  it("have the hash that their milliseconds give", async () => {
    await pull()
    expect(
      await ask(`SELECT count(*) AS n FROM w WHERE _row_hash = sha256('{"__time":${MIN_TIME},"page":"a"}')`),
    ).toEqual([{ n: 1 }])
  })

  it("go with rows of other times, and with rows that come late", async () => {
    await pull()
    fake.world.append("w", [row("c"), row("d", "2024-01-01T05:00")], { granularity: "ALL" })
    fake.world.settle()
    expect((await pull()).code).toBe(0)
    expect(await ask("SELECT count(*) AS n, max(__time) AS t FROM w")).toEqual([
      { n: 5, t: "2024-01-01 05:00:00" },
    ])
    expect((await desk.run("verify -c $c -o $out --deep")).code).toBe(0)
  })

  it("are verified, named where they differ, and repaired", async () => {
    await pull()
    for (const how of ["", " --deep"]) {
      expect((await desk.run(`verify -c $c -o $out${how}`)).code).toBe(0)
      await desk.sql("UPDATE file.w SET page = 'x' WHERE page = 'a'")
      const found = await desk.run(`verify -c $c -o $out --json${how}`)
      expect(found.code).toBe(1)
      expect(JSON.parse(found.stdout).datasources[0].different).toMatchObject([
        { mark: "*", druidRows: 3, duckdbRows: 3, columns: ["page"] },
      ])
      expect((await desk.run(`verify -c $c -o $out --repair${how}`)).code).toBe(0)
    }
    await desk.sql("UPDATE file.w SET __time = '2024-01-01' WHERE page = 'a'")
    const moved = await desk.run("verify -c $c -o $out --json --deep")
    expect(JSON.parse(moved.stdout).datasources[0].different[0].columns).toEqual(["__time"])
  })

  for (const format of ["parquet", "csv", "json"]) {
    it(`are a partition of a lake of ${format}, which is compared with the file`, async () => {
      await pull()
      const lake = desk.path("lake")
      expect((await desk.run(`export -o $out --to ${lake} --format ${format}`)).code).toBe(0)
      expect(readdirSync(`${lake}/w/year=__HIVE_DEFAULT_PARTITION__`)).toEqual([
        "month=__HIVE_DEFAULT_PARTITION__",
      ])
      for (const how of ["", " --deep"]) {
        expect((await desk.run(`verify -o $out --lake ${lake}${how}`)).code).toBe(0)
      }
      await desk.sql("UPDATE file.w SET page = 'x' WHERE page = 'a'")
      expect((await desk.run(`verify -o $out --lake ${lake} --deep`)).code).toBe(1)
    })
  }

  it("are read back from Parquet as they are", async () => {
    await pull()
    const lake = desk.path("lake")
    await desk.run(`export -o $out --to ${lake}`)
    const engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
    try {
      const read = `read_parquet('${lake}/*/*/*/*.parquet', hive_partitioning = true)`
      expect(await engine.rows(`SELECT DISTINCT __time::VARCHAR, year FROM ${read}`)).toEqual([
        ["-infinity", null],
      ])
    } finally {
      engine.close()
    }
  })

  it("are one machine's alone, where several share the days", async () => {
    let rows = 0
    for (const shard of ["1/2", "2/2"]) {
      const out = desk.path(`${shard[0]}.duckdb`)
      const { code, stdout } = await desk.run(`pull -c $c -o ${out} --shard ${shard} --json`)
      expect(code).toBe(0)
      const own = JSON.parse(stdout).rowsFetched as number
      expect([0, 3]).toContain(own)
      rows += own
      expect((await desk.run(`verify -c $c -o ${out}`)).code).toBe(0)
    }
    expect(rows).toBe(3)
  })

  it("come the same from the data nodes themselves", async () => {
    await desk.configure(fake, ["w"], { rowHash: true, direct: true })
    expect((await pull()).code).toBe(0)
    expect(await ask("SELECT DISTINCT __time FROM w")).toEqual([{ __time: "-infinity" }])
    expect((await desk.run("verify -c $c -o $out --deep")).code).toBe(0)
    expect((await pull()).stderr).toContain("nothing new")
  })

  it("are counted where Druid shows no segments", async () => {
    fake.segments = "forbidden"
    fake.world.append("w", [row("c", "2024-01-01T05:00")], { granularity: "ALL" })
    fake.world.settle()
    const { code, stderr } = await pull()
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(await ask("SELECT count(*) AS n, min(__time) AS t FROM w")).toEqual([{ n: 4, t: "-infinity" }])
    expect((await pull()).code).toBe(0)
    expect(await ask("SELECT count(*) AS n FROM w")).toEqual([{ n: 4 }])
  })

  it("are no reason to take other times that a TIMESTAMP cannot hold", async () => {
    for (const time of [MIN_TIME + 1n, MAX_TIME - 1n]) {
      fake.reset()
      fake.world.append("w", [row("a", time)], { granularity: "ALL" })
      fake.world.settle()
      const { code, stdout } = await pull("--json")
      expect(code).toBe(1)
      expect(JSON.parse(stdout).datasources[0].error).toMatchObject({ code: "type" })
    }
  })
})
