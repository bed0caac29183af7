/** Columns that segments hold and Druid's SQL denies: soon known, or hidden for good. */
import { describe, expect, it } from "bun:test"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Bench, datasource, dayRows } from "./support.ts"

const W = [datasource("w")]
const MINUTE = 60_000

let fake: FakeDruid
let bench: Bench
onFake(Bench, (one, own) => {
  fake = one
  bench = own
  add("2020-01-01")
})

function add(day: string): void {
  fake.world.append(
    "w",
    dayRows(day, 3).map((row) => ({ ...row, salary: 7n })),
  )
  fake.world.settle()
}
const hide = () => fake.hiddenColumns.set("w", new Set(["salary"]))
const warnings = () => bench.events.flatMap((event) => (event.type === "warning" ? [event.message] : []))
const noted = () =>
  bench.query('SELECT datasource, "column", epoch_ms(since)::DOUBLE FROM file._sync_unlisted')

describe("a column that Druid's SQL does not show", () => {
  it("is waited for by every pull of the first ten minutes, and left out by name after them", async () => {
    hide()
    const first = bench.clock.ms
    const pulled = await bench.pull(W)
    expect(pulled.exitCode).toBe(3)
    expect(pulled.datasources[0]!.incomplete[0]!.reason).toContain('"salary"')
    expect(await noted()).toEqual([["w", "salary", first]])
    bench.clock.ms = first + 10 * MINUTE - 1
    expect((await bench.pull(W)).exitCode).toBe(3)
    expect(await noted()).toEqual([["w", "salary", first]])
    expect(warnings()).toEqual([])
    bench.clock.ms = first + 10 * MINUTE
    expect(await bench.pull(W)).toMatchObject({ exitCode: 0, rowsFetched: 3 })
    expect(warnings()).toEqual([expect.stringContaining('"salary" is left out')])
    expect((await bench.state()).held.get("w")!.columns.map(({ name }) => name)).toEqual(["__time", "id"])
  })

  it("is never left out within the run that missed it first, however long that waits", async () => {
    hide()
    expect((await bench.pull(W, { settleWaitMs: 20 * MINUTE })).exitCode).toBe(3)
  })

  it("is copied once it is shown, and nothing is noted any more", async () => {
    hide()
    await bench.pull(W)
    fake.hiddenColumns.clear()
    bench.clock.ms += MINUTE
    expect((await bench.pull(W)).exitCode).toBe(0)
    expect(await noted()).toEqual([])
    expect(warnings()).toEqual([])
    expect(await bench.query("SELECT sum(salary)::INTEGER FROM file.w")).toEqual([[21]])
  })

  it("that is shown again after it was left out says how its values come", async () => {
    hide()
    await bench.pull(W)
    bench.clock.ms += 10 * MINUTE
    await bench.pull(W)
    fake.hiddenColumns.clear()
    add("2020-01-02")
    bench.events.length = 0
    expect((await bench.pull(W)).exitCode).toBe(0)
    expect(warnings()).toContainEqual(expect.stringContaining("--full"))
    expect((await bench.pull(W, { full: true })).exitCode).toBe(0)
    expect(await bench.query("SELECT sum(salary)::INTEGER FROM file.w")).toEqual([[42]])
  })

  it("stays remembered while other segments come that do not hold it", async () => {
    hide()
    await bench.pull(W)
    bench.clock.ms += 10 * MINUTE
    await bench.pull(W)
    fake.world.append("w", dayRows("2020-01-02", 3))
    fake.world.settle()
    await bench.pull(W)
    add("2020-01-03")
    expect(await bench.pull(W)).toMatchObject({ exitCode: 0, rowsFetched: 3 })
  })

  it("of an excluded name is no matter", async () => {
    hide()
    const columns = { include: undefined, exclude: ["salary"] }
    expect((await bench.pull([datasource("w", { columns })])).exitCode).toBe(0)
  })
})
