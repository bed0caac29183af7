import { describe, expect, it } from "bun:test"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk, holding, reading } from "./support.ts"

const SLOW = 60_000

let fake: FakeDruid
let desk: Desk
onFake(Desk, (one, own) => {
  fake = one
  desk = own
})

const row = (time: string, more: object = { page: "x" }) => ({ __time: time, ...more })

async function pulled(): Promise<void> {
  fake.world.append("w", [row("2016-06-27T01:00"), row("2016-06-28T01:00")])
  fake.world.settle()
  await desk.configure(fake, ["w"])
  expect((await desk.run("pull --config $c --out $out")).code).toBe(0)
}

const read = (name = "a.report.html") => readFile(desk.path(name), "utf8")

describe("druidsync report", () => {
  it(
    "writes one page beside the file, with all that happened, without a request and without changing the file",
    async () => {
      await pulled()
      const { world } = fake
      world.append("w", [row("2016-06-29T05:00", { page: "x", city: "<b>" })])
      world.settle()
      await desk.run("pull --config $c --out $out")
      expect((await desk.run("verify --config $c --out $out")).code).toBe(0)
      world.append("w", [row("2016-07-01T05:00")], { loaded: false })
      world.markUnused("w", "2016-06-27/2016-06-28")
      world.stream("w", [row("2016-07-02T05:00"), row("2016-07-02T05:10")])
      expect((await desk.run("pull --config $c --out $out")).code).toBe(3)
      fake.log.clear()
      const before = await readFile(desk.out)
      const ran = await desk.run("report --out $out")
      expect(ran).toEqual({ code: 0, stdout: "", stderr: "written to /desk/a.report.html\n" })
      expect(fake.log.entries.length).toBe(0)
      expect(before.equals(await readFile(desk.out))).toBe(true)
      expect((await readdir(desk.folder)).sort()).toEqual(["a.duckdb", "a.report.html", "c.json"])
      const page = await read()
      for (const words of [
        "1 of 1 datasource needs a look",
        "<b>Proven</b>",
        "<b>Provisional</b>",
        "<b>Kept</b>",
        "<b>Missing: 2016-07-01</b><span>: 1 of 1 segments in this interval are published but served by no historical now",
        "3 columns",
        "new column",
        "by fingerprints",
        "3 runs",
        "<dt>Last verified</dt><dd>Equal",
      ]) {
        expect(page).toContain(words)
      }
    },
    SLOW,
  )

  it(
    "tells a program what it wrote, with --json",
    async () => {
      await pulled()
      const { stdout, code } = await desk.run(["report", "-o", "$out", "--to", desk.path("r.html"), "--json"])
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toEqual({
        format: 1,
        file: "/desk/a.duckdb",
        to: "/desk/r.html",
        bytes: Buffer.byteLength(await read("r.html")),
        datasources: 1,
        isIncomplete: false,
      })
    },
    SLOW,
  )

  it(
    "replaces its own page, and no other file but with --force",
    async () => {
      await pulled()
      await desk.run("report --out $out")
      desk.nowMs += 3 * 86_400_000
      expect((await desk.run("report --out $out")).code).toBe(0)
      expect(await read()).toContain("3 days ago")
      await writeFile(desk.path("a.report.html"), "<!doctype html>\nmine")
      const refused = await desk.run("report --out $out")
      expect(refused).toEqual({
        code: 2,
        stdout: "",
        stderr:
          "druidsync: /desk/a.report.html exists and is not a report of druidsync; it was left as it is\n  → give --to another path, or overwrite it with --force\n",
      })
      expect(await read()).toBe("<!doctype html>\nmine")
      expect((await desk.run("report --out $out --force")).code).toBe(0)
      expect(await read()).toContain("3 days ago")
    },
    SLOW,
  )

  it(
    "never takes the place of the DuckDB file or of a folder, even with --force",
    async () => {
      await pulled()
      await mkdir(desk.path("folder"))
      for (const to of [desk.out, desk.path("folder")]) {
        expect((await desk.run(["report", "--out", "$out", "--to", to, "--force"])).code).toBe(2)
      }
      expect((await desk.run("status --out $out")).code).toBe(0)
    },
    SLOW,
  )

  it(
    "reads a file of a version that noted nothing yet",
    async () => {
      await pulled()
      await desk.sql(
        "DROP TABLE file._sync_missing",
        "DROP TABLE file._sync_changes",
        "DROP TABLE file._sync_verifies",
      )
      expect((await desk.run("report --out $out")).code).toBe(0)
      expect(await read()).toContain("never noted")
    },
    SLOW,
  )

  it(
    "waits for a commit instead of failing",
    async () => {
      await pulled()
      const holder = await holding(desk.out)
      desk.onSleep = () => holder.letGo()
      const { stderr, code } = await desk.run("report --out $out")
      expect(code).toBe(0)
      expect(stderr).toStartWith(`waiting for ${holder.name} to release /desk/a.duckdb\n`)
    },
    SLOW,
  )

  it("refuses what is no file of druidsync, and writes no page", async () => {
    expect((await desk.run("report --out $out")).code).toBe(2)
    await desk.sql("CREATE TABLE file.t (a INTEGER)")
    expect((await desk.run("report --out $out")).code).toBe(2)
    expect(desk.exists("a.report.html")).toBe(false)
  })
})

describe("druidsync verify", () => {
  it(
    "notes what it found, with its scope, and what differs",
    async () => {
      await pulled()
      await desk.run("verify --config $c --out $out --since 2016-06-28")
      await desk.sql(`UPDATE file.w SET page = 'other' WHERE "__time" < '2016-06-28'`)
      expect((await desk.run("verify --config $c --out $out --deep")).code).toBe(1)
      const { stdout } = await desk.run([
        "query",
        "--out",
        "$out",
        "--format",
        "csv",
        "SELECT mode, scope, outcome, compared, different, message FROM _sync_verifies ORDER BY rowid",
      ])
      expect(stdout.trim().split("\n")).toEqual([
        "mode,scope,outcome,compared,different,message",
        "fingerprints,from 2016-06-28T00:00:00.000Z,equal,1,0,",
        "rows,,different,2,1,2016-06-27T00:00:00.000Z/2016-06-28T00:00:00.000Z: column page",
      ])
    },
    SLOW,
  )

  it(
    "does not fail for the sake of the note while another program reads the file",
    async () => {
      await pulled()
      const reader = await reading(desk.out)
      const ran = await desk.run("verify --config $c --out $out --verbose")
      await reader.letGo()
      expect(ran.code).toBe(0)
      expect(ran.stdout).toContain("equal")
      expect(ran.stderr).toContain("the outcome was not noted in the file: /desk/a.duckdb is locked by")
      const { stdout } = await desk.run([
        "query",
        "--out",
        "$out",
        "--format",
        "csv",
        "SELECT count(*) AS n FROM _sync_verifies",
      ])
      expect(stdout).toBe("n\n0\n")
    },
    SLOW,
  )
})
