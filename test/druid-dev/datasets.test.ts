import { describe, expect, it } from "bun:test"
import { createHash } from "node:crypto"
import {
  arrayLines,
  before1970,
  DATASETS,
  type Dataset,
  dimensionsOf,
  identicalRows,
  jsonLines,
  oneMillisecond,
  wikipedia,
} from "../../scripts/druid/datasets/index.ts"
import { CROWDED_MS } from "../../scripts/druid/datasets/one-millisecond.ts"

function digest(dataset: Dataset): string {
  const hash = createHash("sha256")
  for (const line of jsonLines(dataset)) hash.update(line).update("\n")
  return hash.digest("hex").slice(0, 16)
}

const small = (name: string): Dataset => DATASETS[name]!({ rows: 1_000 })

describe("generated datasets", () => {
  for (const name of Object.keys(DATASETS)) {
    it(`${name} gives the same rows every time`, () => {
      expect(digest(small(name))).toBe(digest(small(name)))
    })

    it(`${name} gives as many rows as it says, each as wide as its columns`, () => {
      const dataset = small(name)
      let count = 0
      for (const row of dataset.rows()) {
        count++
        expect(row.length).toBe(dataset.columns.length)
        expect(row[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      }
      expect(count).toBe(dataset.rowCount)
    })

    it(`${name} writes JSON lines that say what its rows say`, () => {
      const dataset = small(name)
      const rows = [...dataset.rows()]
      const lines = [...jsonLines(dataset)].map((line) => JSON.parse(line) as Record<string, unknown>)
      dataset.columns.forEach((column, i) => {
        rows.forEach((row, n) => {
          const value = row[i]
          expect(lines[n]![column.name] ?? null).toEqual(
            (typeof value === "bigint" ? Number(value) : (value ?? null)) as never,
          )
        })
      })
    })
  }

  it("keeps to the rows a seed meant when the tests were written, on every runtime", () => {
    expect(digest(wikipedia({ rows: 1_000, seed: 7 }))).toBe("ea71bcf3cfa4d851")
  })

  it("gives other rows for another seed", () => {
    expect(digest(wikipedia({ rows: 100, seed: 1 }))).not.toBe(digest(wikipedia({ rows: 100, seed: 2 })))
  })

  it("wikipedia has 17 columns, thirty days, NULLs and empty texts", () => {
    const dataset = wikipedia({ rows: 3_000 })
    expect(dataset.columns.length).toBe(17)
    const rows = [...dataset.rows()]
    expect(new Set(rows.map((row) => String(row[0]).slice(0, 10))).size).toBe(30)
    for (const type of ["VARCHAR", "BIGINT", "DOUBLE"])
      expect(dataset.columns.some((c, i) => c.type === type && rows.some((row) => row[i] === null))).toBe(
        true,
      )
    expect(rows.some((row) => row.includes(""))).toBe(true)
  })

  it("wikipedia is about 280 bytes a row as arrayLines", () => {
    let bytes = 0
    for (const line of arrayLines(wikipedia({ rows: 2_000 }))) bytes += Buffer.byteLength(line) + 1
    expect(bytes / 2_000).toBeGreaterThan(250)
    expect(bytes / 2_000).toBeLessThan(310)
  })

  it("one-millisecond has 40,000 rows in one millisecond, all different, and rows on both sides", () => {
    const dataset = oneMillisecond()
    const times = [...dataset.rows()].map((row) => Date.parse(String(row[0])))
    expect(times.filter((ms) => ms === CROWDED_MS).length).toBe(40_000)
    expect(times.filter((ms) => ms < CROWDED_MS).length).toBe(500)
    expect(times.filter((ms) => ms > CROWDED_MS).length).toBe(500)
    expect(new Set(arrayLines(dataset)).size).toBe(dataset.rowCount)
  })

  it("identical-rows has 101 different rows", () => {
    expect(new Set(arrayLines(identicalRows())).size).toBe(101)
  })

  it("before-1970 has both neighbours of the epoch and mostly rows before it", () => {
    const times = [...before1970().rows()].map((row) => Date.parse(String(row[0])))
    for (const ms of [-1, 0, 1]) expect(times).toContain(ms)
    expect(times.filter((ms) => ms < 0).length).toBeGreaterThan(4_500)
  })

  it("gives every column but __time a dimension of its type", () => {
    const dimensions = dimensionsOf(small("my.datasource name"))
    expect(dimensions.map((d) => (typeof d === "string" ? d : d.type))).toEqual([
      ...["string", "string", "string"],
      ...["long", "double"],
    ])
  })
})
