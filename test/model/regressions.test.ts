/** Histories that the model-based test found to go wrong once, each as a sentence. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import type { DatasourceSettings } from "../../src/config/settings.ts"
import { errors, reply } from "../support/fake-druid/fake-druid.ts"
import type { History } from "./history.ts"
import { play } from "./play.ts"
import { Died, Rig } from "./rig.ts"
import { NAME, Scene, textsOf } from "./scene.ts"
import { FILTER, truthOf } from "./truth.ts"

/** Of a history of one table that keeps what Druid drops, in slices as small as can be. */
const ONE_TABLE: Omit<History, "steps"> = {
  datasources: 1,
  deletions: "keep",
  realtime: "include",
  rollup: false,
  sliceRows: 1,
  concurrency: 1,
  windows: [],
}

let rig: Rig
let scene: Scene

beforeAll(async () => {
  rig = await Rig.open()
})
afterAll(() => rig.close())
beforeEach(() => {
  scene = new Scene(rig)
})
afterEach(() => scene.close())

const columns = { n: "LONG", s: "STRING" }
const rowsOf = (day: string, count: number, more: object = {}) =>
  Array.from({ length: count }, (_, n) => ({ __time: `${day}T0${n % 10}:00`, n: BigInt(n), s: "a", ...more }))

const expectEqual = async () => expect(await scene.rows()).toEqual(textsOf(truthOf(scene.world, NAME)))

/** Row counts and the broker's schema stay behind, as for some seconds after each ingestion. */
function lag(on: boolean): void {
  scene.world.reportRows(!on)
  scene.world.holdSchema(NAME, on)
}

describe("a run that fails", () => {
  it("ends, also when the failure comes between two waits of a fetcher", async () => {
    scene.world.append(NAME, [...rowsOf("2024-01-30", 5), ...rowsOf("2024-01-31", 5)], { columns })
    for (let statement = 1; statement < 40; statement++) {
      const onStatement = (n: number) => n === statement
      // What is tested is that this comes to an end, whichever statement it is.
      await scene.pull({ sliceRows: 4, concurrency: 2, onStatement }).catch((error) => {
        if (!(error instanceof Died)) throw error
      })
      await rig.bury()
    }
  }, 60_000)
})

describe("a column that is new in Druid", () => {
  it("is not lost where its rows came before Druid counted them and knew the column", async () => {
    scene.world.append(NAME, rowsOf("2024-01-30", 3), { columns })
    await scene.pull()
    lag(true)
    scene.world.append(NAME, rowsOf("2024-01-29", 2, { extra: "x" }), {
      columns: { ...columns, extra: "STRING" },
    })
    const early = await scene.pull()
    expect([early.exitCode, early.rows]).toEqual([3, 0])
    expect(early.report.datasources[0]!.incomplete[0]!.reason).toContain('hold "extra", which Druid')
    lag(false)
    expect((await scene.pull()).exitCode).toBe(0)
    await expectEqual()
  })

  it("is waited for, and come what may fetched within the same run", async () => {
    scene.world.append(NAME, rowsOf("2024-01-30", 3), { columns })
    lag(true)
    scene.world.append(NAME, rowsOf("2024-01-29", 2, { extra: "x" }), {
      columns: { ...columns, extra: "STRING" },
    })
    const pulled = await scene.pull({ settleWaitMs: 10_000, onSleep: (n) => n === 3 && lag(false) })
    expect(pulled.exitCode).toBe(0)
    await expectEqual()
  })

  it("is not lost where its segment came between the two requests of a look", async () => {
    scene.world.append(NAME, rowsOf("2024-01-30", 3), { columns })
    rig.fake.hooks.beforeRequest = (kind, n) => {
      if (kind === "segments" && n === 1)
        scene.world.append(NAME, rowsOf("2024-01-29", 2, { extra: "x" }), {
          columns: { ...columns, extra: "STRING" },
        })
    }
    expect((await scene.pull()).exitCode).toBe(0)
    await expectEqual()
  })

  it("is not lost where native queries are refused", async () => {
    scene.world.append(NAME, rowsOf("2024-01-30", 3), { columns })
    rig.fake.hooks.beforeRequest = (kind, n) => {
      if (kind === "segments" && n === 1)
        scene.world.append(NAME, rowsOf("2024-01-29", 2, { extra: "x" }), {
          columns: { ...columns, extra: "STRING" },
        })
      return kind === "segmentMetadata" ? reply(errors.forbidden()) : undefined
    }
    expect((await scene.pull()).exitCode).toBe(0)
    await expectEqual()
  })

  it("that the config leaves out is not waited for", async () => {
    scene.world.append(NAME, rowsOf("2024-01-30", 3), { columns })
    lag(true)
    scene.world.append(NAME, rowsOf("2024-01-29", 2, { extra: "x" }), {
      columns: { ...columns, extra: "STRING" },
    })
    scene.world.reportRows(true)
    const settings = { columns: { include: undefined, exclude: ["extra"] } }
    expect((await scene.pull({ settings })).exitCode).toBe(0)
  })
})

describe("days that become a month", () => {
  it("are replaced in one go of rounds, and left alone by the pull after that", async () => {
    await play(rig, {
      ...ONE_TABLE,
      steps: [
        {
          do: "change",
          changes: [
            {
              ds: 0,
              op: "append",
              day: 0,
              rows: [
                [0, 0, 0],
                [0, 0, 0],
              ],
              partitions: 2,
              loaded: true,
              extra: false,
            },
          ],
        },
        { do: "pull", mishaps: [], full: false, patient: false },
        {
          do: "change",
          changes: [
            {
              ds: 0,
              op: "compact",
              day: 0,
              days: 1,
              to: "MONTH",
              dropExisting: false,
              partitions: 1,
              loaded: true,
            },
          ],
        },
      ],
    })
  }, 60_000)
})

describe("a newer version that was dropped, while servers still answer with it", () => {
  /** A month, one day of it replaced, another emptied; then the emptying is undone, which the servers learn later. */
  function emptiedAndUndone(): void {
    scene.world.append(
      NAME,
      [...rowsOf("2024-01-10", 3), ...rowsOf("2024-01-20", 4), ...rowsOf("2024-01-30", 2)],
      {
        columns,
      },
    )
    scene.world.compact(NAME, "2024-01/2024-02", "MONTH")
    scene.world.overwrite(NAME, "2024-01-10/2024-01-11", rowsOf("2024-01-10", 5), { columns })
    scene.world.overwrite(NAME, "2024-01-20/2024-01-21", [], { columns })
    scene.world.settle()
    scene.world.markUnused(NAME, "2024-01-20/2024-01-21", { stillServed: true })
  }

  it("does not hide the rows of the older one from a copy that is called complete", async () => {
    // Neither counts around the fetch nor the metadata of a month that is hidden in part would tell.
    emptiedAndUndone()
    const early = await scene.pull()
    expect(early.exitCode).toBe(3)
    const reasons = early.report.datasources[0]!.incomplete.map((one) => one.reason)
    expect(reasons.join("\n")).toContain("which is not among Druid's used segments")
    scene.world.unloadUnused(NAME)
    expect((await scene.pull()).exitCode).toBe(0)
    await expectEqual()
  })

  it("is waited for", async () => {
    emptiedAndUndone()
    const onSleep = (n: number) => n === 2 && scene.world.unloadUnused(NAME)
    expect((await scene.pull({ settleWaitMs: 10_000, onSleep })).exitCode).toBe(0)
    await expectEqual()
  })

  it("does not matter where it is of the past", async () => {
    scene.world.append(NAME, rowsOf("2024-01-10", 3), { columns })
    scene.world.overwrite(NAME, "2024-01-10/2024-01-11", rowsOf("2024-01-10", 5), { columns })
    scene.world.settle()
    const old = scene.world.segments(NAME).filter((one) => one.is_active === 0)
    expect(old.every((one) => one.is_available === 1)).toBe(true)
    expect((await scene.pull()).exitCode).toBe(0)
    await expectEqual()
  })
})

describe("rows that Druid had not counted when they came", () => {
  it("are no reason for an exit code where a run is not about them", async () => {
    scene.world.append(NAME, rowsOf("2024-01-31", 2), { columns })
    lag(true)
    scene.world.append(NAME, rowsOf("2024-01-29", 2), { columns })
    expect((await scene.pull()).exitCode).toBe(3)
    lag(false)
    scene.world.settle()
    const settings = { sinceMs: BigInt(Date.parse("2024-01-31")) }
    expect((await scene.pull({ settings })).exitCode).toBe(0)
    expect((await scene.pull()).exitCode).toBe(0)
    await expectEqual()
  })
})

describe("late rows in a month that is hidden in part", () => {
  it("are not taken for held where as many went before they were counted", async () => {
    scene.world.append(NAME, [...rowsOf("2024-01-29", 1), ...rowsOf("2024-01-30", 2)], { columns })
    scene.world.compact(NAME, "2024-01/2024-02", "MONTH")
    scene.world.overwrite(NAME, "2024-01-20/2024-01-21", rowsOf("2024-01-20", 5), { columns })
    scene.world.settle()
    expect((await scene.pull()).exitCode).toBe(0)
    scene.world.append(NAME, rowsOf("2024-01-30", 1, { s: "late" }), { columns })
    rig.fake.hooks.beforeRequest = (kind, n) => {
      if (kind === "counts" && n === 1)
        scene.world.overwrite(NAME, "2024-01-29/2024-01-30", [], { granularity: "DAY", columns })
      return undefined
    }
    const pulled = await scene.pull({ settleWaitMs: 10_000 })
    delete rig.fake.hooks.beforeRequest
    expect(pulled.exitCode).toBe(0)
    await expectEqual()
  })
})

describe("a day that becomes empty inside a month", () => {
  const byWeek: Partial<DatasourceSettings> = {
    aggregate: {
      every: "week",
      by: [{ name: "s" }],
      measures: [{ name: "total", expression: 'SUM("n")' }],
    },
  }
  const ROWS_LEFT = ['n=0 s="a"', 'n=1 s="a"', 'n=2 s="a"']
  const fromNoon = { sinceMs: BigInt(Date.parse("2024-01-30T12:00Z")) }

  it.each<[string, Partial<DatasourceSettings>]>([
    ["rows", {}],
    ["rows of a filter", { filter: FILTER }],
    ["rows that may be hidden from the user", { rows: "visible" }],
    ["rows of a part of the day", fromNoon],
    ["groups of a longer bucket", byWeek],
  ])("keeps its %s until a server has loaded what hides them", async (_, settings) => {
    // Until then the broker answers the month's rows, and counts them.
    const rows = [...rowsOf("2024-01-30", 5), { __time: "2024-01-30T20:00", n: 3n, s: "a" }]
    scene.world.append(NAME, [...rows, ...rowsOf("2024-01-31", 3)], { columns })
    scene.world.compact(NAME, "2024-01/2024-02", "MONTH")
    scene.world.overwrite(NAME, "2024-01-30/2024-01-31", [], { granularity: "DAY", columns, loaded: false })
    const early = await scene.pull({ settings })
    expect(early.exitCode).toBe(3)
    expect(early.report.datasources[0]!.incomplete[0]!.reason).toContain("served by no historical now")
    const isOfTheDay = ({ segments }: { segments: string }) =>
      segments.includes("1706572800000/1706659200000@")
    expect((await scene.copy()).parts.filter(isOfTheDay)).toEqual([])
    scene.world.settle()
    expect((await scene.pull({ settings })).exitCode).toBe(0)
    expect((await scene.copy()).parts.filter(isOfTheDay)).toHaveLength(1)
    const left = (await scene.copy()).rows.map(({ text }) => text.replace(/^\d+ /, ""))
    const wanted = settings.aggregate === undefined ? ROWS_LEFT : ['_rows=3 s="a" total=3']
    expect(left.sort()).toEqual(settings.filter === undefined ? wanted : wanted.slice(-1))
  })

  it("is in no bucket of which a pull made groups before it was hidden", async () => {
    await play(rig, {
      ...ONE_TABLE,
      every: "week",
      steps: [
        {
          do: "change",
          changes: [
            {
              ...{ op: "append", ds: 0, day: 0, rows: [[0, 0, 0]], partitions: 1 },
              ...{ loaded: true, extra: false },
            },
            {
              ...{ op: "compact", ds: 0, day: 0, days: 1, to: "MONTH", dropExisting: false },
              ...{ partitions: 1, loaded: true },
            },
          ],
        },
        {
          do: "change",
          changes: [
            {
              ...{ op: "overwrite", ds: 0, day: 0, days: 1, rows: [], dropExisting: false },
              ...{ loaded: false, extra: false },
            },
            {
              ...{ op: "append", ds: 0, day: 1, rows: [[0, 0, 0]], partitions: 1 },
              ...{ loaded: true, extra: false },
            },
          ],
        },
        {
          do: "pull",
          mishaps: [{ kind: "change", request: 1, changes: [{ op: "handOff", ds: 0 }] }],
          full: false,
          patient: false,
        },
      ],
    })
  }, 60_000)
})
