import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import type { Interval } from "../../src/base/domain.ts"
import { type Engine, openEngine } from "../../src/store/engine.ts"
import { bucketSql } from "../../src/store/rows/interval-counts.ts"
import { javaHash, TEXT_HASH, textHash } from "../../src/store/text-hash.ts"

let engine: Engine
beforeAll(async () => {
  engine = await openEngine({ memoryLimit: "200MB", threads: 2 })
})
afterAll(() => engine.close())

describe("the hash that Druid and DuckDB share", () => {
  it("is what Druid 33 answered for STRING_FORMAT('%h')", () => {
    const seen: [string, number][] = [
      ["", 0],
      ["plain", 106748362],
      ["before", 2902081407],
      ["Church of 5e9c (Wikipedia 45)", 1977293069],
      ['😀 é 数 \u0001\t\n"\\', 3024401272],
    ]
    for (const [text, hash] of seen) expect(javaHash(text)).toBe(hash)
  })

  it("tells apart the sums of two rows whose values are swapped, where hashCode alone does not", () => {
    const before = ["1|aa|bb", "1|cc|dd"]
    const after = ["1|cc|bb", "1|aa|dd"]
    const sum = (texts: string[], hash: (text: string) => number) =>
      texts.reduce((a, b) => a + hash(b), 0) % 2 ** 32
    expect(sum(after, javaHash)).toBe(sum(before, javaHash))
    expect(sum(after, textHash)).not.toBe(sum(before, textHash))
  })

  it("is a function in DuckDB, over many vectors, with NULL and NUL", async () => {
    await engine.useTextHash()
    await engine.useTextHash()
    const texts = [null, "", "\u0000", "plain", "😀"]
    const [row] = await engine.rows(
      `SELECT ${texts.map((text) => (text === null ? `${TEXT_HASH}(NULL)` : `${TEXT_HASH}($${texts.indexOf(text)})`)).join(", ")}`,
      texts.slice(1) as string[],
    )
    expect(row).toEqual(texts.map((text) => (text === null ? null : BigInt(textHash(text)))))
    const [sum] = await engine.rows(`SELECT sum(${TEXT_HASH}('row ' || i))::BIGINT FROM range(10000) t(i)`)
    let expected = 0n
    for (let i = 0; i < 10_000; i++) expected += BigInt(textHash(`row ${i}`))
    expect(sum![0]).toBe(expected)
  })
})

describe("the number of an interval", () => {
  const cases: Interval[][] = [
    [{ start: 0n, end: 10n }],
    [
      { start: -10n, end: -5n },
      { start: -5n, end: 0n },
      { start: 3n, end: 4n },
    ],
    Array.from({ length: 33 }, (_, i) => ({
      start: BigInt(i * 7),
      end: BigInt(i * 7 + (i % 2 === 0 ? 7 : 3)),
    })),
  ]
  for (const [n, intervals] of cases.entries()) {
    it(`is found by halving, gaps and neighbours alike (${n + 1})`, async () => {
      const rows = await engine.rows(`SELECT t, ${bucketSql(intervals, "t")} FROM range(-20, 260) r(t)`)
      for (const [t, bucket] of rows) {
        const expected = intervals.findIndex(
          ({ start, end }) => start <= (t as bigint) && (t as bigint) < end,
        )
        expect(Number(bucket)).toBe(expected)
      }
    })
  }
})
