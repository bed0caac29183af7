import { afterAll, describe, expect, it } from "bun:test"
import { MAX_TIME, MIN_TIME } from "../../src/base/time.ts"
import { openEngine } from "../../src/store/engine.ts"
import {
  MAX_TIMESTAMP_MS,
  MIN_TIMESTAMP_MS,
  msOfTime,
  timeBound,
  timeCondition,
  timeOfMs,
} from "../../src/store/notes/times.ts"

const engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
afterAll(() => engine.close())

const stored = [MIN_TIME, MIN_TIMESTAMP_MS, MIN_TIMESTAMP_MS + 1n, 0n, MAX_TIMESTAMP_MS, MAX_TIME]
const bounds = [MIN_TIME, MIN_TIME + 1n, MIN_TIMESTAMP_MS - 1n, ...stored, MAX_TIMESTAMP_MS + 1n].sort(
  (a, b) => (a < b ? -1 : 1),
)

/** The milliseconds of the stored times for which a condition on `t` holds. */
async function where(condition: string): Promise<unknown[]> {
  const values = stored.map((ms) => `(${ms}::BIGINT)`).join(", ")
  const rows = await engine.rows(
    `SELECT ${msOfTime("t")} FROM (SELECT ${timeOfMs("ms")} AS t FROM (VALUES ${values}) v(ms)) WHERE ${condition}`,
  )
  return rows.flat()
}

describe("times in DuckDB", () => {
  it("come back as they went in, Druid's first and last instant included, and NULL", async () => {
    expect(await where("TRUE")).toEqual(stored)
    expect(await engine.rows(`SELECT ${msOfTime("NULL::TIMESTAMP")}, ${timeOfMs("NULL::BIGINT")}`)).toEqual([
      [null, null],
    ])
  })

  it("are before a bound where their milliseconds are less, also where no TIMESTAMP can hold it", async () => {
    for (const bound of bounds) {
      const before = await where(`t < ${timeBound(bound)}`)
      expect({ bound, before }).toEqual({ bound, before: stored.filter((ms) => ms < bound) })
    }
  })

  it("lie in an interval by its start and end", async () => {
    for (const start of bounds) {
      for (const end of bounds.filter((one) => one > start && one < MAX_TIME)) {
        const within = await where(timeCondition({ start, end }, "t"))
        expect({ start, end, within }).toEqual({
          start,
          end,
          within: stored.filter((ms) => start <= ms && ms < end),
        })
      }
    }
    expect(await where(timeCondition({ start: MIN_TIME, end: MAX_TIME }, "t"))).toEqual(stored)
  })
})
