import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import { type Granularity, World } from "../support/fake-druid/fake-druid.ts"
import { chunkOf, chunksOf, contains, type Interval, overlaps } from "../support/fake-druid/model/time.ts"

const DAY = 86_400_000n
const START = 1577836800000n

/** A row is known by its time and number; the naive Druid is a list of them, changed as each command says. */
interface Naive {
  time: bigint
  k: string
}

const day = fc.integer({ min: 0, max: 59 }).map((n) => START + BigInt(n) * DAY)
const granularity = fc.constantFrom<Granularity>("HOUR", "DAY", "MONTH")
const command = fc.oneof(
  fc.record({ do: fc.constant("append" as const), day, rows: fc.integer({ min: 1, max: 4 }), granularity }),
  fc.record({ do: fc.constant("stream" as const), day, rows: fc.integer({ min: 1, max: 4 }), granularity }),
  fc.record({ do: fc.constant("overwrite" as const), day, rows: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ do: fc.constant("compact" as const), day, granularity, dropExisting: fc.boolean() }),
  fc.record({ do: fc.constant("purge" as const) }),
  fc.record({ do: fc.constant("publish" as const) }),
  fc.record({ do: fc.constant("handOff" as const) }),
)

function span(of: bigint): Interval {
  return { start: of, end: of + DAY }
}

describe("random histories", () => {
  it("keep exactly the rows that a list of rows would hold", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 20 }), (commands) => {
        const world = new World()
        world.define("d", { k: "STRING" })
        let rows: Naive[] = []
        let next = 0
        const made = (at: bigint, count: number) =>
          Array.from({ length: count }, (_, i) => ({ time: at + BigInt(i) * 7_000_000n, k: `${next++}` }))
        const given = (of: Naive[]) => of.map(({ time, k }) => ({ __time: time, k }))
        for (const c of commands) {
          if (c.do === "append" || c.do === "stream") {
            const more = made(c.day, c.rows)
            world[c.do]("d", given(more), { granularity: c.granularity })
            rows.push(...more)
          } else if (c.do === "overwrite") {
            if (world.hasOpenStream("d", span(c.day))) continue
            const fresh = made(c.day, c.rows)
            world.overwrite("d", span(c.day), given(fresh))
            rows = [...rows.filter((r) => chunkOf(r.time, "DAY").start !== c.day), ...fresh]
          } else if (c.do === "compact") {
            if (world.hasOpenStream("d", chunkOf(c.day, c.granularity))) continue
            world.compact("d", span(c.day), c.granularity, { dropExisting: c.dropExisting })
          } else if (world.datasource("d")) {
            if (c.do === "purge") world.purgeOvershadowed("d")
            if (c.do === "publish") world.publish("d")
            if (c.do === "handOff") world.handOff("d")
          }
          const seen = world.rows("d").map((r) => `${r.__time} ${r.k}`)
          expect(seen.sort()).toEqual(rows.map((r) => `${r.time} ${r.k}`).sort())
          const sum = world.segments("d").reduce((n, s) => n + (s.is_active ? s.num_rows : 0), 0)
          expect(sum).toBeGreaterThanOrEqual(rows.length)
          expect(world.count("d")).toBe(rows.length)
        }
      }),
      { numRuns: 500 },
    )
  })

  it("time chunks tile time: each holds the instant, and neighbours touch", () => {
    const all = fc.constantFrom<Granularity>(
      "SECOND",
      "HOUR",
      "SIX_HOUR",
      "DAY",
      "WEEK",
      "MONTH",
      "QUARTER",
      "YEAR",
    )
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 61n), max: 2n ** 61n }), all, (instant, g) => {
        const chunk = chunkOf(instant, g)
        expect(chunk.start <= instant && instant < chunk.end).toBeTrue()
        expect(chunkOf(chunk.end, g).start).toBe(chunk.end)
        const tiles = chunksOf({ start: instant, end: chunk.end + 1n }, g)
        expect([tiles.length, contains(chunk, tiles[0]!), overlaps(tiles[0]!, tiles[1]!)]).toEqual([
          2,
          true,
          false,
        ])
      }),
    )
  })
})
