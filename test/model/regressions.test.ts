/** Histories that the model-based test found to go wrong once, each as a sentence. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { errors, reply } from "../support/fake-druid/fake-druid.ts"
import { play } from "./play.ts"
import { Died, Rig } from "./rig.ts"
import { NAME, Scene, textsOf } from "./scene.ts"
import { truthOf } from "./truth.ts"

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
      datasources: 1,
      deletions: "keep",
      realtime: "include",
      rollup: false,
      sliceRows: 1,
      concurrency: 1,
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
