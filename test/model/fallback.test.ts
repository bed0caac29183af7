/** Pulls from a Druid that refuses `sys.segments`: what is seen, what is not, and what is said (docs/late-data.md). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
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
  scene = new Scene(rig)
  rig.fake.segments = "forbidden"
})
afterEach(() => scene.close())

const DAYS = ["2024-01-29", "2024-01-30", "2024-01-31", "2024-02-01"]

function fill(): void {
  scene.world.append(
    NAME,
    DAYS.flatMap((day) => [0, 1, 2].map((n) => ({ __time: `${day}T0${n}:00`, n: BigInt(n), s: day }))),
    { columns: { n: "LONG", s: "STRING" } },
  )
}

const restated = (day: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({ __time: `${day}T0${n % 10}:30`, n: BigInt(n + 50), s: "again" }))

function overwrite(day: string, count: number): void {
  const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)
  scene.world.overwrite(NAME, `${day}/${next}`, restated(day, count), { columns: { n: "LONG", s: "STRING" } })
  scene.world.settle()
}

const expectEqual = async () => expect(await scene.rows()).toEqual(textsOf(truthOf(scene.world, NAME)))
const warnings = (events: readonly { type: string }[]) =>
  events.flatMap((event) =>
    event.type === "warning" ? [(event as unknown as { message: string }).message] : [],
  )

for (const refusal of ["forbidden", "absent"] as const) {
  describe(`sys.segments ${refusal}`, () => {
    beforeEach(() => {
      rig.fake.segments = refusal
    })

    it("copies everything by counts, and says what cannot be seen", async () => {
      fill()
      const first = await scene.pull()
      expect(first.exitCode).toBe(0)
      expect(first.rows).toBe(12)
      await expectEqual()
      expect(warnings(first.events)).toEqual([
        'Druid does not show sys.segments, so days are compared by their number of rows: a re-statement with as many rows as before cannot be seen, except in the newest day with rows, which is always fetched again ("lookback")',
      ])
    })

    it("fetches the days of the lookback alone when nothing changed, once", async () => {
      fill()
      await scene.pull()
      const second = await scene.pull()
      expect([second.exitCode, second.rows]).toEqual([0, 3])
      expect(rig.fake.log.count("scan")).toBe(1)
    })

    it("fetches nothing with a lookback of zero when nothing changed", async () => {
      fill()
      const settings = { lookbackMs: 0 }
      await scene.pull({ settings })
      const { chunksText } = await scene.copy()
      const second = await scene.pull({ settings })
      expect([second.exitCode, second.rows, rig.fake.log.count("scan")]).toEqual([0, 0, 0])
      expect((await scene.copy()).chunksText).toBe(chunksText)
    })
  })
}

describe("without sys.segments", () => {
  it("sees late rows in an old day, and new days", async () => {
    fill()
    await scene.pull()
    scene.world.append(NAME, restated("2024-01-29", 1), { columns: { n: "LONG", s: "STRING" } })
    scene.world.append(NAME, restated("2024-02-02", 2), { columns: { n: "LONG", s: "STRING" } })
    const next = await scene.pull()
    expect([next.exitCode, next.rows]).toEqual([0, 6])
    await expectEqual()
  })

  it("sees a re-statement with as many rows within the lookback, and not before it", async () => {
    fill()
    await scene.pull()
    overwrite("2024-02-01", 3)
    await scene.pull()
    await expectEqual()
    const before = await scene.rows()
    overwrite("2024-01-29", 3)
    expect((await scene.pull()).exitCode).toBe(0)
    expect(await scene.rows()).toEqual(before)
    await scene.pull({ full: true })
    await expectEqual()
  })

  it("keeps an old day of which Druid counts fewer rows, says why and exits 3, until --full", async () => {
    fill()
    await scene.pull()
    const before = await scene.rows()
    overwrite("2024-01-30", 2)
    const next = await scene.pull()
    expect(next.exitCode).toBe(3)
    expect(next.report.datasources[0]!.incomplete[0]!.reason).toContain("Druid counts 2 rows, 3 were copied")
    expect(await scene.rows()).toEqual(before)
    expect((await scene.pull({ full: true })).exitCode).toBe(0)
    await expectEqual()
    expect((await scene.pull()).exitCode).toBe(0)
  })

  it("takes fewer rows within the lookback, and says so", async () => {
    fill()
    await scene.pull()
    overwrite("2024-02-01", 1)
    const next = await scene.pull()
    expect(next.exitCode).toBe(0)
    expect(warnings(next.events)).toContain(
      "2024-02-01T00:00:00.000Z/2024-02-02T00:00:00.000Z: Druid counts 1 rows, 3 were copied; taken as it is, within the lookback",
    )
    await expectEqual()
  })

  it("deletes nothing while a server is away, also with deletions: mirror", async () => {
    fill()
    const settings = { deletions: "mirror", lookbackMs: 0 } as const
    await scene.pull({ settings })
    const before = await scene.rows()
    scene.world.setAvailable(NAME, "2024-01-29/2024-01-31", false)
    await scene.pull({ settings })
    expect(await scene.rows()).toEqual(before)
    scene.world.settle()
    expect((await scene.pull({ settings })).exitCode).toBe(0)
    await expectEqual()
  })

  it("works with a filter and with slices smaller than a day", async () => {
    fill()
    const first = await scene.pull({ filtered: true, sliceRows: 1 })
    expect([first.exitCode, first.rows]).toEqual([0, 4])
    scene.world.append(NAME, restated("2024-01-29", 2), { columns: { n: "LONG", s: "STRING" } })
    const next = await scene.pull({ filtered: true, sliceRows: 1 })
    expect([next.exitCode, next.rows]).toEqual([0, 4])
  })

  it("leaves a copy that was made from segments as it is when the permission is lost", async () => {
    fill()
    rig.fake.segments = "allowed"
    await scene.pull()
    const { chunksText } = await scene.copy()
    rig.fake.segments = "forbidden"
    const next = await scene.pull()
    expect(next.exitCode).toBe(4)
    expect(next.report.datasources[0]!.error?.message).toContain("no longer shows sys.segments")
    expect((await scene.copy()).chunksText).toBe(chunksText)
    expect((await scene.pull({ full: true })).exitCode).toBe(0)
    expect((await scene.pull()).exitCode).toBe(0)
    await expectEqual()
  })

  it("exits 4 where the datasource is unknown", async () => {
    const report = await scene.pull()
    expect(report.exitCode).toBe(4)
  })

  it("does not take up counting in the middle of a run: a refusal then is an error", async () => {
    fill()
    rig.fake.segments = "allowed"
    let looks = 0
    rig.fake.hooks.beforeRequest = (kind) => {
      if (kind === "segments" && ++looks === 2) rig.fake.segments = "forbidden"
    }
    await expect(scene.pull()).rejects.toThrow("forbids")
  })
})
