import { describe, expect, it } from "bun:test"
import type { VerifyReport } from "../../src/commands/verify/document.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { DataNode } from "../support/fake-druid/http/data-node.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk } from "./support.ts"

const SLOW = 30_000

let fake: FakeDruid
let desk: Desk
onFake(Desk, async (one, own) => {
  fake = one
  desk = own
  fake.world.define("w", { page: "STRING", n: "LONG" })
  for (const day of ["2020-01-01", "2020-01-02"]) {
    fake.world.append("w", [
      { __time: day, page: "a", n: 1n },
      { __time: `${day}T01:00`, page: null, n: 2n },
    ])
  }
  fake.world.settle("w")
  await desk.configure(fake, ["w"])
  expect((await desk.run("pull -c $c -o $out -q")).code).toBe(0)
})

describe("druidsync verify", () => {
  it(
    "says that all is equal, and exits with 0; --quiet says nothing",
    async () => {
      const ran = await desk.run("verify -c $c -o $out")
      expect(ran.code).toBe(0)
      expect(ran.stdout).toMatch(
        /^w ↔ table w: equal, 4 rows in 2 stretches compared\nequal: 4 rows of 1 datasource compared by fingerprints in [\d.]+ s\n$/,
      )
      expect(await desk.run("verify -c $c -o $out --quiet")).toEqual({ code: 0, stdout: "", stderr: "" })
    },
    SLOW,
  )

  it(
    "shows what differs and exits with 1, --quiet or not",
    async () => {
      await desk.sql(`UPDATE file.w SET page = '' WHERE page IS NULL AND "__time" > '2020-01-02'`)
      const ran = await desk.run("verify -c $c -o $out --quiet")
      expect(ran.code).toBe(1)
      expect(ran.stdout).toContain("w ↔ table w: 1 stretch differs, 4 rows in 2 stretches compared\n")
      expect(ran.stdout).toContain("  * 2020-01-02: 2 rows, column page\n")
    },
    SLOW,
  )

  it(
    "shows the differing rows of --deep, and the equal stretches with --verbose",
    async () => {
      await desk.sql(`UPDATE file.w SET n = 7 WHERE page = 'a' AND "__time" < '2020-01-02'`)
      const ran = await desk.run("verify -c $c -o $out --deep --verbose")
      expect(ran.code).toBe(1)
      expect(ran.stdout.split("\n").slice(1, 5)).toEqual([
        "  * 2020-01-01: 2 rows, column n",
        "      DuckDB __time='2020-01-01 00:00:00' n='7'",
        "      Druid  __time='2020-01-01 00:00:00' n='1'",
        "  = 2020-01-02",
      ])
    },
    SLOW,
  )

  it(
    "fetches with --direct from data nodes: rows to compare, and what is repaired",
    async () => {
      const node = await DataNode.start(fake)
      const bySql = fake.log.count("scan")
      expect((await desk.run("verify -c $c -o $out --direct")).code).toBe(2)
      expect((await desk.run("verify -c $c -o $out --deep --direct")).code).toBe(0)
      const read = fake.log.count("segmentScan")
      expect(read).toBeGreaterThan(0)
      expect(fake.log.count("scan")).toBe(bySql)
      // A replica that has lost the segments since the broker named it: the other one is asked.
      const emptied = await DataNode.start(fake)
      fake.hooks.beforeRequest = (kind) => {
        emptied.has = () => kind === "candidates"
      }
      expect((await desk.run("verify -c $c -o $out --deep --direct")).code).toBe(0)
      expect(fake.log.count("scan")).toBe(bySql)
      await emptied.stop()
      await desk.sql(`UPDATE file.w SET n = 7 WHERE page = 'a' AND "__time" < '2020-01-02'`)
      expect((await desk.run("verify -c $c -o $out --repair --direct")).code).toBe(0)
      expect(fake.log.count("segmentScan")).toBeGreaterThan(read)
      expect(fake.log.count("scan")).toBe(bySql)
      await node.stop()
    },
    SLOW,
  )

  it(
    "prints one document with --json",
    async () => {
      const ran = await desk.run("verify -c $c -o $out --json --sample 1 --seed x")
      const report = JSON.parse(ran.stdout) as VerifyReport
      expect(report).toMatchObject({
        format: 1,
        mode: "fingerprints",
        outcome: "equal",
        exitCode: 0,
        sample: { kind: "chunks", value: 1, seed: "x" },
      })
      expect(report.datasources[0]).toMatchObject({ datasource: "w", table: "w", compared: 1, notSampled: 1 })
    },
    SLOW,
  )

  it(
    "prints the seed of a sample, and the same seed gives the same chunks",
    async () => {
      const { stdout } = await desk.run("verify -c $c -o $out --sample 50% --verbose")
      const seed = /--seed (\S+)/.exec(stdout)![1]!
      const again = await desk.run(`verify -c $c -o $out --sample 50% --verbose --seed ${seed}`)
      const matches = (text: string) => text.split("\n").filter((line) => line.startsWith("  ="))
      expect(matches(stdout)).toHaveLength(1)
      expect(matches(again.stdout)).toEqual(matches(stdout))
    },
    SLOW,
  )

  it(
    "repairs, says so, and prints nothing of the pull in between to stdout",
    async () => {
      await desk.sql(`DELETE FROM file.w WHERE "__time" >= '2020-01-02'`)
      const ran = await desk.run("verify -c $c -o $out --repair --json")
      expect(ran.code).toBe(0)
      const report = JSON.parse(ran.stdout) as VerifyReport
      expect(report.datasources[0]!.repaired).toMatchObject([{ mark: "+", druidRows: 2, duckdbRows: 0 }])
      await desk.sql(`DELETE FROM file.w WHERE "__time" >= '2020-01-02'`)
      const text = await desk.run("verify -c $c -o $out --repair")
      expect(text.stdout).toContain("  repaired + 2020-01-02: 2 rows only in Druid\n")
      expect(text.stdout).toContain("1 stretch repaired")
    },
    SLOW,
  )

  it(
    "says what was skipped and why, and exits with 3",
    async () => {
      fake.world.overwrite("w", "2020-01-02/2020-01-03", [{ __time: "2020-01-02", n: 1n }])
      fake.world.settle("w")
      const ran = await desk.run("verify -c $c -o $out")
      expect(ran.code).toBe(3)
      expect(ran.stdout).toContain(
        "  skipped: 2020-01-02: changed in Druid since it was pulled; a pull is due\n",
      )
      expect(ran.stdout).toContain("equal as far as it could be compared")
    },
    SLOW,
  )

  it(
    "refuses a sample that is none, and a seed without one, with 2",
    async () => {
      for (const flags of ["--sample 0", "--sample x%", "--seed x"]) {
        const ran = await desk.run(`verify -c $c -o $out ${flags}`)
        expect([flags, ran.code]).toEqual([flags, 2])
      }
    },
    SLOW,
  )

  it(
    "leaves no folder beside the file when it only reads",
    async () => {
      await desk.run("verify -c $c -o $out")
      expect(desk.exists("a.duckdb.druidsync")).toBe(false)
    },
    SLOW,
  )
})
