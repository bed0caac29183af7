/**
 * A reader that opens the file between two commits sees each slice before or after, never half, and no old rows that are called
 * complete beside new ones of the same chunk (I2, issue "replacement is atomic for readers").
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { execute, query } from "../support/conformance/duckdb.ts"
import { Rig } from "./rig.ts"
import { NAME, Scene, textsOf } from "./scene.ts"
import { rowText, truthOf } from "./truth.ts"

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

const DAY = "2024-01-29/2024-01-30"
const columns = { n: "LONG" }

/** Rows of a day, two a quarter of an hour; values tell which version they are of. */
const day = (date: string, version: number) =>
  Array.from({ length: 192 }, (_, i) => ({
    __time: BigInt(Date.parse(`${date}T00:00:00Z`) + Math.floor(i / 2) * 900_000),
    n: BigInt(version * 1000 + i),
  }))

interface Seen {
  readonly start: number
  readonly end: number
  readonly state: string
  readonly segments: string
  readonly rows: string[]
}

/** What a reader of another program finds: a connection of its own, opened now, closed again. */
async function look(): Promise<Seen[]> {
  const chunks = await query(
    scene.path,
    `SELECT start_ms, end_ms, state, segments, rows,
       (SELECT list({t: epoch_ms(__time), n: n}) FROM "${NAME}" WHERE epoch_ms(__time) >= start_ms AND epoch_ms(__time) < end_ms) AS held
     FROM _sync_chunks ORDER BY start_ms`,
  )
  const [total] = await query(scene.path, `SELECT count(*) AS rows FROM "${NAME}"`)
  expect(chunks.reduce((sum, chunk) => sum + Number(chunk.rows), 0)).toBe(Number(total!.rows))
  return chunks.map((chunk) => ({
    start: Number(chunk.start_ms),
    end: Number(chunk.end_ms),
    state: String(chunk.state),
    segments: String(chunk.segments),
    rows: ((chunk.held as { t: bigint; n: bigint }[] | null) ?? [])
      .map(({ t, n }) => rowText(t, [["n", n]]))
      .sort(),
  }))
}

const within = (all: readonly string[], { start, end }: Seen) =>
  all.filter((text) => Number.parseInt(text, 10) >= start && Number.parseInt(text, 10) < end)

/** Replaces a day by a newer version while someone looks after each commit. */
async function replaced(change: () => void, sliceRows: number): Promise<Seen[][]> {
  scene.world.append(NAME, day("2024-01-29", 1), { columns })
  expect((await scene.pull({ sliceRows })).exitCode).toBe(0)
  const [before, oldSet] = [textsOf(truthOf(scene.world, NAME)), (await look())[0]!.segments]
  change()
  scene.world.settle()
  const after = textsOf(truthOf(scene.world, NAME))
  const looks: Seen[][] = []
  const afterCommit = async () => {
    const seen = await look()
    looks.push(seen)
    for (const one of seen) {
      const isOld = one.segments === oldSet
      expect(one.rows).toEqual(within(isOld ? before : after, one))
      if (one.rows.length > 0) expect(one.state).toBe(isOld ? "stale" : "complete")
    }
  }
  expect((await scene.pull({ sliceRows, spoolLimitBytes: 500, afterCommit })).exitCode).toBe(0)
  expect(await scene.rows()).toEqual(after)
  return looks
}

/** Moments at which new rows stood beside old ones. */
const mixed = (looks: readonly Seen[][]) =>
  looks.filter(
    (seen) => new Set(seen.filter((one) => one.rows.length > 0).map((one) => one.segments)).size > 1,
  )

describe("a reader between two commits", () => {
  it("finds old slices marked stale beside new ones, each whole, while a day is replaced", async () => {
    const looks = await replaced(() => {
      scene.world.overwrite(NAME, DAY, day("2024-01-29", 2), { columns })
    }, 10)
    expect(mixed(looks).length).toBeGreaterThan(1)
  }, 60_000)

  it("finds the same while a day becomes part of a month, and the day's other rows with it", async () => {
    const looks = await replaced(() => {
      scene.world.append(NAME, day("2024-01-30", 3), { columns })
      scene.world.compact(NAME, "2024-01/2024-02", "MONTH")
    }, 10)
    expect(mixed(looks).length).toBeGreaterThan(1)
  }, 60_000)

  it("finds whole slices after a run that was broken off in the middle, and the next run finishes", async () => {
    scene.world.append(NAME, day("2024-01-29", 1), { columns })
    await scene.pull({ sliceRows: 10 })
    const before = textsOf(truthOf(scene.world, NAME))
    scene.world.overwrite(NAME, DAY, day("2024-01-29", 2), { columns })
    scene.world.settle()
    const after = textsOf(truthOf(scene.world, NAME))
    const abort = new AbortController()
    let commits = 0
    const afterCommit = async () => {
      if (++commits === 2) abort.abort(new Error("Ctrl-C"))
    }
    const broken = await scene.pull({
      sliceRows: 10,
      spoolLimitBytes: 500,
      signal: abort.signal,
      afterCommit,
    })
    expect(broken.exitCode).toBe(130)
    const seen = await look()
    expect(new Set(seen.filter((one) => one.rows.length > 0).map((one) => one.state))).toEqual(
      new Set(["complete", "stale"]),
    )
    for (const one of seen) expect(one.rows).toEqual(within(one.state === "stale" ? before : after, one))
    const next = await scene.pull({ sliceRows: 10 })
    expect(next.exitCode).toBe(0)
    expect(next.rows).toBeLessThan(192)
    expect(await scene.rows()).toEqual(after)
  }, 60_000)

  it("may write to the file between two commits: a table of its own stays", async () => {
    scene.world.append(NAME, day("2024-01-29", 1), { columns })
    let commits = 0
    const afterCommit = async () => {
      if (++commits === 1) await execute(scene.path, "CREATE TABLE mine AS SELECT 42 AS answer")
    }
    expect((await scene.pull({ sliceRows: 10, afterCommit })).exitCode).toBe(0)
    expect(await query(scene.path, "SELECT answer FROM mine")).toEqual([{ answer: 42 }])
    expect(await scene.rows()).toEqual(textsOf(truthOf(scene.world, NAME)))
  }, 60_000)
})
