/** Folders whose names mean something to a glob, to a shell, to SQL or to Hive's partitioning are folders like any other. */
import { describe, expect, it } from "bun:test"
import { mkdir, readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { openEngine } from "../../src/store/engine.ts"
import { spoolSource } from "../../src/store/rows/spool-source.ts"
import { Desk } from "../commands/support.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"

const NAMES = [
  "dt=2024-01-01/json=1",
  "q?uo'te",
  "a[1]{x}*",
  "semi;colon -- ' 50%25 ",
  'grün 数 \\ ~ "$HOME"',
]

let fake: FakeDruid
let desk: Desk
onFake(Desk, (one, own) => {
  fake = one
  desk = own
  fake.world.define("w", { page: "STRING", json: "COMPLEX<json>", d: "DOUBLE", tags: "STRING" })
  fake.world.append("w", [
    { __time: "2020-01-30", page: "a", json: '{"a":1}', d: -0, tags: ["x", "y"] },
    { __time: "2020-02-01", page: null, json: null, d: 0.5, tags: "z" },
  ])
  fake.world.settle("w")
})

describe("a folder named", () => {
  for (const name of NAMES) {
    it(`${name} holds the DuckDB file, the spool and the lake`, async () => {
      const folder = desk.path(name)
      await mkdir(folder, { recursive: true })
      await desk.configure(fake, ["w"], { spoolDir: join(folder, "spool") })
      const out = join(folder, "what? it's.duckdb")
      const run = async (...words: string[]) => {
        const ran = await desk.run(words.map((word) => (word === "$file" ? out : word)))
        expect({ words, code: ran.code, said: ran.code === 0 ? "" : ran.stderr + ran.stdout }).toEqual({
          words,
          code: 0,
          said: "",
        })
        return ran.stdout
      }
      const pull = ["pull", "-c", "$c", "-o", "$file", "-q", "--publish", join(folder, "shown?.duckdb")]
      await run(...pull)
      // Once more, into the file that is there now, and its copy.
      fake.world.append("w", [{ __time: "2020-02-03", page: "late", json: null, d: 2, tags: null }])
      await run(...pull)
      await run("verify", "-c", "$c", "-o", "$file", "--deep")
      await run("status", "--out", "$file")
      // DuckDB's log lies elsewhere where a folder has a ? in its name: nothing of it stays.
      const logs = (await readdir(desk.folder, { recursive: true })).filter((one) => one.includes(".wal"))
      expect(logs).toEqual([])
      for (const format of ["parquet", "csv", "json"]) {
        const lake = join(folder, format)
        await run("export", "--out", "$file", "--to", lake, "--format", format, "-q")
        for (const deep of [[], ["--deep"]]) await run("verify", "--out", "$file", "--lake", lake, ...deep)
        const again = JSON.parse(await run("export", "--out", "$file", "--to", lake, "--json"))
        expect(again.datasources[0].written).toEqual([])
      }
    }, 60_000)
  }

  it("lake[1] is not taken for lake1, which lies beside it", async () => {
    await desk.configure(fake, ["w"])
    await desk.run("pull -c $c -o $out -q")
    for (const format of ["parquet", "csv", "json"]) {
      const [mine, other] = [desk.path(`${format}[1]`), desk.path(`${format}1`)]
      for (const lake of [mine, other])
        await desk.run(["export", "--out", "$out", "--to", lake, "--format", format, "-q"])
      // The other's rows are gone: whoever reads them in place of ours sees a difference.
      await rm(join(other, "w"), { recursive: true })
      const there = join("w", "year=2020", "month=01", `part-data.${format}`)
      await mkdir(join(other, there, ".."), { recursive: true })
      await writeFile(join(other, there), "nothing of the kind")
      for (const deep of [[], ["--deep"]]) {
        const ran = await desk.run(["verify", "--out", "$out", "--lake", mine, ...deep])
        expect({ format, code: ran.code, said: ran.stderr }).toEqual({ format, code: 0, said: "" })
      }
    }
  }, 60_000)

  it("spool[1] is not taken for spool1, which lies beside it", async () => {
    const engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
    try {
      for (const [name, text] of [
        ["spool[1]", '["mine"]\n'],
        ["spool1", '["other"]\n'],
      ] as const) {
        await mkdir(desk.path(name))
        await writeFile(join(desk.path(name), "slice"), text)
      }
      const source = spoolSource(join(desk.path("spool[1]"), "slice"), { kind: "lines" }, 1_000_000)
      expect(await engine.rows(`SELECT json[1] FROM ${source}`)).toEqual([["mine"]])
    } finally {
      engine.close()
    }
  })
})
