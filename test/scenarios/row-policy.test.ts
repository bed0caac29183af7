/** A user who may see a part of the rows alone, and one who is not shown every column. */
import { describe, expect, it } from "bun:test"
import { DuckDBInstance } from "@duckdb/node-api"
import { query } from "../support/conformance/duckdb.ts"
import { useFake } from "./support.ts"

const here = useFake()

/** 4 days of 6 rows, each of a channel. */
async function load(): Promise<void> {
  const rows = Array.from({ length: 24 }, (_, n) => ({
    __time: `2024-01-0${Math.floor(n / 6) + 1}T0${n % 6}:00:00.000Z`,
    channel: n % 2 === 0 ? "#en" : "#de",
    n,
  }))
  await here.stage.world.create("wiki", rows, {
    columns: { channel: "string", n: "long" },
    granularity: "DAY",
  } as never)
}

const held = async () =>
  (await query(here.stage.out, "SELECT n FROM wiki ORDER BY n")).map(({ n }) => Number(n))
/** As another program does it. */
async function change(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(here.stage.out)
  const connection = await instance.connect()
  await connection.run(sql)
  connection.closeSync()
  instance.closeSync()
}
const numbers = (wanted: (n: number) => boolean) => Array.from({ length: 24 }, (_, n) => n).filter(wanted)
const verify = (...more: string[]) =>
  here.stage.runner.run(["verify", "--config", here.stage.configPath, "--out", here.stage.out, ...more])

describe("a row policy", () => {
  for (const sliceRows of [125_000, 4]) {
    it(`looks like a hole: exit 3, and the sentence names both and the key (slices of ${sliceRows})`, async () => {
      await load()
      here.fake.rowPolicies.set("wiki", "channel = '#en'")
      here.stage.config(["wiki"], { sliceRows })
      const { exitCode, report } = await here.stage.pull()
      expect(exitCode).toBe(3)
      const { reason } = report.datasources[0]!.incomplete[0]!
      expect(reason).toContain("some server may not serve all of it, or a row policy")
      expect(reason).toContain('"rows": "visible"')
    })

    it(`is accepted where the user says so: what is visible is copied (slices of ${sliceRows})`, async () => {
      await load()
      here.fake.rowPolicies.set("wiki", "channel = '#en'")
      here.stage.config(["wiki"], { sliceRows, rows: "visible" })
      expect((await here.stage.pull()).exitCode).toBe(0)
      expect(await held()).toEqual(numbers((n) => n % 2 === 0))
      await here.stage.expectTruthfulState("wiki")
      expect((await here.stage.pull()).rows).toBe(0)
    })

    it(`that is accepted is said in every run, and by plan (slices of ${sliceRows})`, async () => {
      await load()
      here.fake.rowPolicies.set("wiki", "channel = '#en'")
      here.stage.config(["wiki"], { sliceRows, rows: "visible" })
      for (const command of ["pull", "plan", "pull"]) {
        const args = [command, "--config", here.stage.configPath, "--out", here.stage.out]
        const { exitCode, stdout, stderr } = await here.stage.runner.run(args)
        expect({ command, exitCode, said: stdout + stderr }).toMatchObject({
          exitCode: 0,
          said: expect.stringContaining("rows are those that this user may see"),
        })
      }
      expect((await query(here.stage.out, "SELECT message FROM _sync_state"))[0]).toEqual({
        message: expect.stringContaining("rows are those that this user may see"),
      })
    })
  }

  it("goes with a filter", async () => {
    await load()
    here.fake.rowPolicies.set("wiki", "channel = '#en'")
    here.stage.config([{ name: "wiki", filter: "n >= 12", rows: "visible" }])
    expect((await here.stage.pull()).exitCode).toBe(0)
    expect(await held()).toEqual(numbers((n) => n % 2 === 0 && n >= 12))
    expect((await verify()).exitCode).toBe(0)
  })

  it("is verified by what is visible, and what differs is found and repaired", async () => {
    await load()
    here.fake.rowPolicies.set("wiki", "channel = '#en'")
    here.stage.config(["wiki"], { rows: "visible" })
    await here.stage.pull()
    expect((await verify()).exitCode).toBe(0)
    expect((await verify("--deep")).exitCode).toBe(0)
    await change("UPDATE wiki SET n = 100 WHERE n = 4")
    expect((await verify()).exitCode).toBe(1)
    expect((await verify("--repair")).exitCode).toBe(0)
    expect(await held()).toEqual(numbers((n) => n % 2 === 0))
  })

  it("counts before and after each fetch: rows that are hidden meanwhile are no proof", async () => {
    await load()
    here.stage.config(["wiki"], { rows: "visible" })
    here.fake.hooks.duringScan = ({ n }) => {
      if (n <= 2) here.fake.rowPolicies.set("wiki", n === 1 ? "channel = '#en'" : "n >= 0")
    }
    expect((await here.stage.pull()).exitCode).toBe(0)
    const counts = here.fake.log.entries.filter((one) => one.kind === "counts" || one.kind === "histogram")
    expect(counts.length).toBeGreaterThan(2)
    expect(await held()).toEqual(numbers(() => true))
  })

  it("finds late rows among those that are visible", async () => {
    await load()
    here.fake.rowPolicies.set("wiki", "channel = '#en'")
    here.stage.config(["wiki"], { rows: "visible" })
    await here.stage.pull()
    await here.stage.world.append("wiki", [
      { __time: "2024-01-02T10:00:00.000Z", channel: "#en", n: 50 },
      { __time: "2024-01-03T10:00:00.000Z", channel: "#de", n: 51 },
    ])
    expect((await here.stage.pull()).exitCode).toBe(0)
    expect(await held()).toEqual([...numbers((n) => n % 2 === 0), 50])
  })

  it("that is said to be accepted later, or no more, makes everything come again", async () => {
    await load()
    here.stage.config(["wiki"])
    await here.stage.pullExactly()
    here.stage.set({ rows: "visible" })
    expect((await here.stage.pullExactly()).rows).toBe(24)
    here.stage.set({ rows: "all" })
    expect((await here.stage.pullExactly()).rows).toBe(24)
  })
})

describe("a hidden column that was left out", () => {
  it("does not stop the verification of the others", async () => {
    await load()
    here.fake.hiddenColumns.set("wiki", new Set(["channel"]))
    here.stage.config(["wiki"])
    expect((await here.stage.pull()).exitCode).toBe(3)
    await change("UPDATE _sync_unlisted SET since = since - INTERVAL 11 MINUTE")
    expect((await here.stage.pull()).exitCode).toBe(0)
    expect((await verify()).exitCode).toBe(0)
  })
})
