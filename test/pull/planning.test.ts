/** Deciding what to fetch: few questions however many chunks there are, and rows that come while it is being decided. */
import { describe, expect, it } from "bun:test"
import { ExitCode } from "../../src/base/errors.ts"
import { OUT_OF_TIME, type TimeLimit } from "../../src/pull/time-limit.ts"
import { errors, type FakeDruid, reply, waitFor } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Bench, datasource, idsInDruid, idsInFile } from "./support.ts"

const HOURS = 600
const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2024, 0, 1)
const FILTERED = datasource("w", { filter: "\"channel\" = '#en'" })

let fake: FakeDruid
let bench: Bench
onFake(Bench, (one, own) => {
  fake = one
  bench = own
  const rows = Array.from({ length: 2 * HOURS }, (_, n) =>
    rowAt(n * (HOUR_MS / 2), n, n % 2 === 0 ? "#en" : "#de"),
  )
  fake.world.append("w", rows, { granularity: "HOUR" })
  fake.world.settle()
})

function rowAt(ms: number, id: number, channel: string) {
  return { __time: START_MS + ms, id: BigInt(id), channel }
}

/** A row more in each chunk. */
function addLate(): void {
  const rows = Array.from({ length: HOURS }, (_, n) => rowAt(n * HOUR_MS + 1, 10_000 + n, "#en"))
  fake.world.append("w", rows, { granularity: "HOUR" })
  fake.world.settle()
}

/** Questions about numbers of rows. */
const asked = () => fake.log.count("counts", "histogram", "bounds")

describe("many small chunks", () => {
  it("are counted together where a filter keeps some of their rows away", async () => {
    expect(await bench.pull([FILTERED])).toMatchObject({ exitCode: 0, rowsFetched: HOURS })
    expect(asked()).toBeLessThan(10)
  })

  it("are counted together where each has got a row more", async () => {
    await bench.pull([datasource("w")])
    addLate()
    fake.log.clear()
    expect(await bench.pull([datasource("w")])).toMatchObject({ exitCode: 0, rowsFetched: 3 * HOURS })
    expect(asked()).toBeLessThan(10)
    expect(await idsInFile(bench, "w")).toEqual(idsInDruid(fake.world, "w"))
  })

  it("are counted in smaller groups where that is too much for Druid", async () => {
    fake.hooks.beforeRequest = (kind, n) =>
      kind === "histogram" && n === 1 ? reply(errors.resourceLimit()) : undefined
    expect(await bench.pull([FILTERED])).toMatchObject({ exitCode: 0, rowsFetched: HOURS })
  })

  it("lie far apart, or not on one grid, and are counted all the same", async () => {
    fake.reset()
    const odd = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144].map((day, n) =>
      rowAt(day * 24 * HOUR_MS, n, "#en"),
    )
    fake.world.append("w", odd, { granularity: "DAY" })
    fake.world.append("w", [rowAt(400 * 24 * HOUR_MS, 99, "#de")], { granularity: "MONTH" })
    fake.world.settle()
    expect(await bench.pull([FILTERED])).toMatchObject({ exitCode: 0, rowsFetched: 12 })
    expect(asked()).toBeLessThan(4)
  })
})

describe("big chunks", () => {
  it("of the same length are measured together", async () => {
    fake.reset()
    const rows = Array.from({ length: 1_200 }, (_, n) => rowAt(n * (HOUR_MS / 100), n, "#en"))
    fake.world.append("w", rows, { granularity: "HOUR" })
    fake.world.settle()
    const pull = { sliceRows: 50 }
    expect(await bench.pull([datasource("w")], { pull })).toMatchObject({ exitCode: 0, rowsFetched: 1_200 })
    expect(asked()).toBeLessThan(4)
    expect(await idsInFile(bench, "w")).toEqual(idsInDruid(fake.world, "w"))
  })
})

describe("what is decided", () => {
  it("is fetched while the rest is being decided", async () => {
    let scanned: () => void = () => undefined
    const scan = new Promise<void>((resolve) => {
      scanned = resolve
    })
    fake.hooks.beforeRequest = (kind, n) => {
      if (kind === "scan") scanned()
      return kind === "histogram" && n >= 2 ? waitFor(scan) : undefined
    }
    expect(await bench.pull([FILTERED])).toMatchObject({ exitCode: 0, rowsFetched: HOURS })
  })

  it("is stored when the time is over in the middle of it, and the next run goes on", async () => {
    const [over, never] = [new AbortController(), new AbortController().signal]
    const limit: TimeLimit = {
      isOver: () => over.signal.aborted,
      leftMs: () => 1_000,
      leftToFinishMs: () => 1_000,
      over: over.signal,
      closing: never,
      cut: never,
      stop: () => undefined,
    }
    // The second question is never answered.
    fake.hooks.beforeRequest = (kind, n) => {
      if (kind !== "histogram" || n < 2) return undefined
      setImmediate(() => over.abort(new Error("over")))
      return waitFor(new Promise(() => {}))
    }
    const report = await bench.pull([FILTERED], { limit })
    expect(report).toMatchObject({ exitCode: ExitCode.incomplete, outcome: "incomplete" })
    expect(report.rowsFetched).toBeGreaterThan(0)
    expect(report.datasources[0]!.incomplete.map(({ reason }) => reason)).toContain(OUT_OF_TIME)
    fake.hooks = {}
    const next = await bench.pull([FILTERED])
    expect(next).toMatchObject({ exitCode: 0 })
    expect(report.rowsFetched + next.rowsFetched).toBe(HOURS)
  })
})
