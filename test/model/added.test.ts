/** Segments that are added to chunks that are held: past the broker they are fetched alone. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { errors, reply } from "../support/fake-druid/fake-druid.ts"
import { Rig } from "./rig.ts"
import { NAME, Scene, textsOf } from "./scene.ts"
import { truthOf } from "./truth.ts"

let rig: Rig
let scene: Scene

beforeAll(async () => {
  rig = await Rig.open()
})
afterAll(() => rig.close())
beforeEach(() => {
  scene = new Scene(rig, true)
})
afterEach(() => scene.close())

const columns = { n: "LONG", s: "STRING" }
const DAYS = ["2024-01-29", "2024-01-30", "2024-01-31"]
const rowsOf = (days: readonly string[], count: number, more: object = {}) =>
  days.flatMap((day) =>
    Array.from({ length: count }, (_, n) => ({
      __time: `${day}T0${n % 10}:00`,
      n: BigInt(n),
      s: "a",
      ...more,
    })),
  )
const append = (days: readonly string[], count: number, more: object = {}) =>
  scene.world.append(NAME, rowsOf(days, count, more), { columns })

const expectEqual = async () => expect(await scene.rows()).toEqual(textsOf(truthOf(scene.world, NAME)))

beforeEach(async () => {
  append(DAYS, 20)
  await scene.pull()
})

describe("segments that were added", () => {
  it("are fetched without the rest of their chunks: nothing is counted, nothing deleted", async () => {
    append(DAYS, 2)
    const { exitCode, rows, report, requests } = await scene.pull()
    expect([exitCode, rows]).toEqual([0, 6])
    expect(report.datasources[0]).toMatchObject({ rowsPastBroker: 6, rowsDeleted: 0, slices: 1, rows: 66 })
    expect(requests).not.toMatch(/count|\bscan/)
    await expectEqual()
    expect((await scene.pull()).rows).toBe(0)
  })

  it("are one slice, whatever lies between their chunks", async () => {
    append([DAYS[0]!, DAYS[2]!], 1)
    const { rows, report } = await scene.pull()
    expect([rows, report.datasources[0]!.slices]).toEqual([2, 1])
    await expectEqual()
  })

  it("are fetched alone, too, where their chunk is held in several pieces, and where nothing of it is new twice", async () => {
    await scene.pull({ full: true, sliceRows: 6 })
    append([DAYS[1]!], 3)
    append([DAYS[1]!], 2)
    expect((await scene.pull({ sliceRows: 6 })).rows).toBe(5)
    await expectEqual()
    append([DAYS[1]!], 1)
    expect((await scene.pull({ sliceRows: 6 })).rows).toBe(1)
    await expectEqual()
  })

  it("come with their chunks where they are more than a slice", async () => {
    append([DAYS[1]!], 9)
    const { rows, requests } = await scene.pull({ sliceRows: 8 })
    expect(rows).toBe(29)
    expect(requests).toContain("count")
    await expectEqual()
  })

  it("bring the rows that a filter leaves; Druid counts them before and after", async () => {
    await scene.pull({ filtered: true })
    append(DAYS, 3)
    const { exitCode, rows, requests } = await scene.pull({ filtered: true })
    expect([exitCode, rows]).toEqual([0, 3])
    expect(requests).toContain("count")
    const wanted = truthOf(scene.world, NAME).filter(({ text }) => !/ n=[01] /.test(text))
    expect(await scene.rows()).toEqual(textsOf(wanted))
  })

  it("bring a column that was not there before", async () => {
    scene.world.append(NAME, rowsOf([DAYS[0]!], 2, { extra: "x" }), {
      columns: { ...columns, extra: "STRING" },
    })
    expect((await scene.pull()).rows).toBe(2)
    await expectEqual()
  })
})

describe("added segments that cannot be had alone", () => {
  it("come with their chunks through the broker where data nodes refuse", async () => {
    append(DAYS, 2)
    rig.fake.hooks.beforeRequest = (kind) => (kind === "segmentScan" ? reply(errors.forbidden()) : undefined)
    const { exitCode, rows, report } = await scene.pull()
    expect([exitCode, rows, report.datasources[0]!.rowsPastBroker]).toEqual([0, 66, 0])
    await expectEqual()
  })

  it("come with their chunks where a data node never sends them whole", async () => {
    append([DAYS[1]!], 2)
    rig.fake.hooks.beforeRequest = (kind) =>
      kind === "segmentScan" ? { do: "cut", at: { rows: 1 }, end: "clean" } : undefined
    expect(await scene.pull()).toMatchObject({ exitCode: 0, rows: 22 })
    await expectEqual()
  })

  it("come with their chunks where rows of them are missing in an answer that looks whole", async () => {
    append([DAYS[1]!], 2)
    for (const node of rig.fake.dataNodes) node.has = () => false
    rig.fake.hooks.beforeRequest = (kind) => {
      for (const node of rig.fake.dataNodes) node.has = () => kind === "candidates"
    }
    expect(await scene.pull()).toMatchObject({ exitCode: 0, rows: 22 })
    await expectEqual()
    for (const node of rig.fake.dataNodes) node.has = () => true
  })

  it("come with their chunk where another program took rows of it while they were fetched", async () => {
    append([DAYS[1]!], 2)
    let isFirst = true
    rig.fake.hooks.beforeRequest = async (kind) => {
      if (kind !== "segmentScan" || !isFirst) return
      isFirst = false
      await rig.file(scene.path).write(async () => {
        await rig.engine.run(`DELETE FROM file."${NAME}" WHERE n = 3`)
      })
    }
    const { exitCode } = await scene.pull()
    expect(exitCode).toBe(0)
    expect((await scene.pull()).exitCode).toBe(0)
    await expectEqual()
  })
})
