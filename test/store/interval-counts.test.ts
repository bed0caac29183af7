import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { openEngine } from "../../src/store/engine.ts"
import { countsByInterval } from "../../src/store/rows/interval-counts.ts"

const engine = await openEngine({ memoryLimit: "200MB", threads: 1 })
await engine.run('CREATE TABLE "some rows" ("__time" TIMESTAMP)')

describe("counting rows per interval", () => {
  test("gives what looking at each row gives, with gaps and empty stretches and times before 1970", async () => {
    const bounds = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 40 })
    const times = fc.array(fc.integer({ min: -60, max: 60 }), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(
        bounds,
        fc.array(fc.boolean(), { maxLength: 40 }),
        times,
        async (points, left, rows) => {
          const sorted = [...points].sort((a, b) => a - b)
          const intervals = sorted
            .slice(1)
            .map((end, n) => ({ start: BigInt(sorted[n]!), end: BigInt(end) }))
            .filter((_, n) => left[n] !== true)
          await engine.run('DELETE FROM "some rows"')
          if (rows.length > 0)
            await engine.run(`INSERT INTO "some rows" SELECT epoch_ms(unnest([${rows.join(", ")}])::BIGINT)`)
          const expected = intervals.map(
            ({ start, end }) => rows.filter((t) => BigInt(t) >= start && BigInt(t) < end).length,
          )
          expect(await countsByInterval(engine, '"some rows"', intervals)).toEqual(expected)
        },
      ),
      { numRuns: 60 },
    )
  }, 30_000)

  test("takes a thousand intervals, and bounds beyond what a TIMESTAMP can hold", async () => {
    await engine.run('DELETE FROM "some rows"')
    await engine.run('INSERT INTO "some rows" SELECT epoch_ms((range * 7)::BIGINT) FROM range(10000)')
    const many = Array.from({ length: 1000 }, (_, n) => ({ start: BigInt(n * 70), end: BigInt(n * 70 + 70) }))
    expect(await countsByInterval(engine, '"some rows"', many)).toEqual(many.map(() => 10))
    const all = [{ start: -9_223_372_036_854_775_808n, end: 9_223_372_036_854_775_807n }]
    expect(await countsByInterval(engine, '"some rows"', all)).toEqual([10_000])
  }, 30_000)
})
