import { describe, expect, it } from "bun:test"
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Desk, holding } from "./support.ts"

let fake: FakeDruid
let desk: Desk
onFake(Desk, (one, own) => {
  fake = one
  desk = own
})

const row = (time: string, page = "x") => ({ __time: time, page })
/** the file's size is DuckDB's own business */
const neutral = (text: string) => text.replace(/(rows?, )[\d.]+ [kM]?B/, "$1SIZE")

async function pulled(): Promise<void> {
  fake.world.append("koalas-to-the-max", [row("2019-08-25T01:00"), row("2019-08-25T02:00:03.004")])
  fake.world.append("w", [row("2016-06-27T01:00"), row("2016-06-28T01:00")])
  await desk.configure(fake, ["w", "koalas-to-the-max"])
  expect((await desk.run("pull --config $c --out $out")).code).toBe(0)
}

describe("druidsync status", () => {
  it("shows per datasource what is there and how fresh it is, without a request", async () => {
    await pulled()
    fake.log.clear()
    desk.nowMs += 5 * 60_000
    const { stdout, stderr, code } = await desk.run("status --out $out")
    expect({ stderr, code, requests: fake.log.entries.length }).toEqual({ stderr: "", code: 0, requests: 0 })
    expect(neutral(stdout)).toBe(
      [
        "/desk/a.duckdb: 2 datasources, 4 rows, SIZE",
        "",
        "DATASOURCE         TABLE              ROWS      SIZE  NEWEST ROW (UTC)         LAST SUCCESS   STATUS",
        "koalas-to-the-max  koalas_to_the_max     2  262.1 kB  2019-08-25 02:00:03.004  5 minutes ago  complete",
        "w                  w                     2  262.1 kB  2016-06-28 01:00         5 minutes ago  complete",
        "",
      ].join("\n"),
    )
  }, 20_000)

  it("tells apart what is provisional, unproven, kept and incomplete", async () => {
    await pulled()
    const { world } = fake
    world.stream("w", [row("2016-06-29T05:00"), row("2016-06-29T05:10")])
    world.append("w", [row("2016-06-30T05:00")])
    world.setReportedRows("w", "2016-06-30/2016-07-01", 0)
    world.markUnused("w", "2016-06-27/2016-06-28")
    world.append("w", [row("2016-07-01T05:00")], { loaded: false })
    expect((await desk.run("pull --config $c --out $out --only w")).code).toBe(3)
    const { stdout, code } = await desk.run("status --out $out")
    expect(code).toBe(0)
    expect(stdout.split("\n\n")[2]).toBe(
      [
        "w: incomplete: 1 of 1 segments in this interval are published but served by no historical now",
        "w: 1 row unproven (2016-06-30): stored, but not counted by Druid yet",
        "w: 2 rows provisional (2016-06-29 05:00 to 06:00): realtime, may still change in Druid",
        "w: 1 row kept (2016-06-27): gone from Druid, here alone",
        "",
      ].join("\n"),
    )
    expect((await desk.run("status --out $out --exit-code")).code).toBe(3)
    const report = JSON.parse((await desk.run("status --out $out --json")).stdout)
    expect(report.isIncomplete).toBe(true)
    expect(report.datasources[1]).toMatchObject({
      datasource: "w",
      status: "incomplete",
      chunks: 4,
      isIncomplete: true,
      parts: {
        provisional: { chunks: 1, rows: 2, intervals: ["2016-06-29T05:00:00.000Z/2016-06-29T06:00:00.000Z"] },
        unproven: { chunks: 1, rows: 1, intervals: ["2016-06-30T00:00:00.000Z/2016-07-01T00:00:00.000Z"] },
        kept: { chunks: 1, rows: 1, intervals: ["2016-06-27T00:00:00.000Z/2016-06-28T00:00:00.000Z"] },
      },
    })
  }, 20_000)

  it("does not call provisional or kept rows incomplete", async () => {
    await pulled()
    fake.world.stream("w", [row("2016-06-29T05:00")])
    fake.world.markUnused("w", "2016-06-27/2016-06-28")
    expect((await desk.run("pull --config $c --out $out")).code).toBe(0)
    expect((await desk.run("status --out $out --exit-code")).code).toBe(0)
  }, 20_000)

  it("prints one document with --json", async () => {
    await pulled()
    const { stdout } = await desk.run("status --out $out --json")
    const report = JSON.parse(stdout)
    expect(report).toEqual({
      format: 1,
      file: "/desk/a.duckdb",
      bytes: expect.any(Number),
      runner: null,
      isIncomplete: false,
      datasources: [
        expect.objectContaining({ datasource: "koalas-to-the-max", table: "koalas_to_the_max" }),
        {
          datasource: "w",
          table: "w",
          rows: 2,
          shard: null,
          bytes: 262_144,
          cursor: "2016-06-28T01:00:00.000Z",
          newest: "2016-06-28T01:00:00.000Z",
          status: "complete",
          message: null,
          lastSuccess: "2026-01-01T00:00:00.000Z",
          lastRun: {
            started: "2026-01-01T00:00:00.000Z",
            outcome: "complete",
            durationMs: 0,
            rowsFetched: 2,
          },
          chunks: 2,
          parts: {},
          foreignRows: null,
          isIncomplete: false,
        },
      ],
    })
    expect(report.bytes).toBeGreaterThan(10_000)
  }, 20_000)

  it("shows a datasource that never had a row stored, and why", async () => {
    await pulled()
    await desk.configure(fake, ["w", "nope"])
    expect((await desk.run("pull --config $c --out $out")).code).toBe(4)
    const { stdout } = await desk.run("status --out $out")
    expect(stdout).toMatch(/^nope +- +0 +- +- +never +failed$/m)
    expect(stdout).toContain('nope: failed: Druid lists no segment of datasource "nope"\n')
    desk.nowMs += 60_000
    await desk.configure(fake, ["w"])
    expect((await desk.run("pull --config $c --out $out")).code).toBe(0)
    const corrected = await desk.run("status --out $out --exit-code")
    expect({ code: corrected.code, named: corrected.stdout.includes("nope") }).toEqual({
      code: 0,
      named: false,
    })
  }, 20_000)

  it("says that a run was killed, where nobody works on the file any more", async () => {
    await pulled()
    await desk.sql("UPDATE file._sync_state SET status = 'running' WHERE datasource = 'w'")
    const { stdout } = await desk.run("status --out $out")
    expect(stdout).toMatch(/^w .* killed$/m)
    expect(stdout).toContain(
      "w: its last run was killed: what is stored is whole, the next pull goes on from there\n",
    )
    expect((await desk.run("status --out $out --exit-code")).code).toBe(3)
  }, 20_000)

  it("says where another program changed or dropped a table", async () => {
    await pulled()
    await desk.sql("DELETE FROM file.w WHERE \"__time\" < '2016-06-28'", "DROP TABLE file.koalas_to_the_max")
    const { stdout } = await desk.run("status --out $out")
    expect(stdout).toContain(
      'w: changed by another program: its table has 1 row, druidsync stored 2; pull --full --only "w" brings it back\n',
    )
    expect(stdout).toMatch(/^koalas-to-the-max +koalas_to_the_max +0 +- +- +never +dropped$/m)
    expect(stdout).toContain(
      "koalas-to-the-max: its table was dropped: the next pull fetches all of it again",
    )
  }, 20_000)
})

describe("druidsync status beside other programs", () => {
  it("waits for a commit instead of failing", async () => {
    await pulled()
    const holder = await holding(desk.out)
    desk.onSleep = () => holder.letGo()
    const { stdout, stderr, code } = await desk.run("status --out $out")
    expect(code).toBe(0)
    expect(stdout).toContain("2 datasources, 4 rows")
    expect(stderr).toBe(`waiting for ${holder.name} to release /desk/a.duckdb\n`)
  }, 20_000)

  it("names who holds the file when it has waited long enough", async () => {
    await pulled()
    const holder = await holding(desk.out)
    const { stderr, code } = await desk.run("status --out $out --lock-wait 3s")
    await holder.letGo()
    expect(code).toBe(11)
    expect(stderr).toContain(`/desk/a.duckdb is locked by ${holder.name}; waited 3 s`)
  }, 20_000)

  it("says that a pull is under way, and which", async () => {
    await pulled()
    await desk.sql("UPDATE file._sync_state SET status = 'running' WHERE datasource = 'w'")
    await mkdir(`${desk.out}.druidsync`)
    const holder = await holding(join(`${desk.out}.druidsync`, "lock"))
    const { stdout } = await desk.run("status --out $out")
    await holder.letGo()
    expect(stdout).toContain(`\na pull is under way: ${holder.name}\n`)
    expect(stdout).toMatch(/^w .* running$/m)
  }, 20_000)
})

describe("druidsync status on something else", () => {
  it("refuses a file that is not there", async () => {
    expect(await desk.run("status --out $out")).toEqual({
      code: 2,
      stdout: "",
      stderr: "druidsync: there is no file /desk/a.duckdb\n  → druidsync pull makes it; or check --out\n",
    })
    expect(desk.exists("a.duckdb")).toBe(false)
  })

  it("refuses a folder", async () => {
    await mkdir(desk.out)
    expect(await desk.run("status --out $out")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("is not a file"),
    })
  })

  for (const name of ["notes.txt", "data.json", "data.csv"]) {
    it(`refuses ${name}, which is no DuckDB file`, async () => {
      await writeFile(desk.path(name), "something else\n")
      const ran = await desk.run(`status --out ${desk.path(name)}`)
      expect(ran).toMatchObject({ code: 2, stdout: "" })
      expect(ran.stderr).toBe(
        `druidsync: /desk/${name} is not a DuckDB file\n  → give --out the file that druidsync pull made\n`,
      )
    })
  }

  it("does not advise to pull again where DuckDB cannot read the file", async () => {
    await pulled()
    // The header's checksum is of other bytes now.
    const bytes = await readFile(desk.out)
    bytes.fill(0x55, 4096, 4096 + 64)
    bytes.fill(0x55, 8192, 8192 + 64)
    await writeFile(desk.out, bytes)
    for (const command of ["status --out $out", "query --out $out"]) {
      const ran = await desk.run(command)
      expect(ran.code).toBe(1)
      expect(ran.stderr).toStartWith("druidsync: /desk/a.duckdb")
      expect(ran.stderr).not.toMatch(/pull again|new path/)
      expect(ran.stderr).toContain("  → check the disk\n")
    }
  }, 20_000)

  it("refuses a DuckDB file that druidsync never pulled into", async () => {
    await desk.sql("CREATE TABLE file.t (a INTEGER)")
    expect(await desk.run("status --out $out")).toMatchObject({
      code: 2,
      stderr:
        "druidsync: /desk/a.duckdb is a DuckDB file, but druidsync has never pulled into it\n  → check --out\n",
    })
  })

  it("refuses a DuckDB file whose tables only look like ours", async () => {
    await desk.sql("CREATE TABLE file._sync_state (a INTEGER)")
    expect(await desk.run("status --out $out")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("druidsync has never pulled into it"),
    })
  })

  it("reads its own file under any name", async () => {
    await pulled()
    await copyFile(desk.out, desk.path("copy.json"))
    const ran = await desk.run(`status --out ${desk.path("copy.json")}`)
    expect(ran.code).toBe(0)
    expect(ran.stdout).toContain("2 datasources, 4 rows")
  }, 20_000)
})
