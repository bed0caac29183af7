import { describe, expect, it } from "bun:test"
import { parseInterval } from "../../src/base/intervals.ts"
import { granularitiesOf, granularityOf } from "../../src/kit/cluster/granularity.ts"

const of = (start: string, end: string) => granularityOf(parseInterval(`${full(start)}/${full(end)}`))

function full(text: string): string {
  const [date = "", time = "00:00"] = text.split(" ")
  return `${date.padEnd(10, "-01")}T${time}:00.000Z`
}

describe("segment granularity", () => {
  for (const [name, start, end] of [
    ["MINUTE", "2020-01-01 10:07", "2020-01-01 10:08"],
    ["FIVE_MINUTE", "2020-01-01 10:05", "2020-01-01 10:10"],
    ["HOUR", "2020-01-01 10:00", "2020-01-01 11:00"],
    ["SIX_HOUR", "2020-01-01 06:00", "2020-01-01 12:00"],
    ["DAY", "1969-12-31", "1970-01-01"],
    ["WEEK", "2024-01-01", "2024-01-08"],
    ["MONTH", "2024-02", "2024-03"],
    ["QUARTER", "2024-10", "2025-01"],
    ["YEAR", "1883-01", "1884-01"],
  ] as const) {
    it(`is ${name} for ${start} to ${end}`, () => {
      expect(of(start, end)).toBe(name)
    })
  }

  it("knows no name for buckets that do not lie where Druid's would", () => {
    expect(of("2024-01-02", "2024-01-09")).toBeUndefined()
    expect(of("2024-01-01 05:00", "2024-01-02 05:00")).toBeUndefined()
    expect(of("2024-02", "2024-05")).toBeUndefined()
    expect(of("2024-01-02", "2024-01-05")).toBeUndefined()
  })

  it("is ALL for all of Druid's time", () => {
    const all = parseInterval("-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z")
    expect(granularityOf(all)).toBe("ALL")
  })

  it("of many intervals comes by frequency", () => {
    const intervals = [
      "2024-01-01/2024-01-02",
      "2024-01-02/2024-01-03",
      "2024-02-01/2024-03-01",
      "2024-03-01/2024-03-04",
    ]
    const parsed = intervals.map((text) => parseInterval(text.split("/").map(full).join("/")))
    expect(granularitiesOf(parsed)).toEqual(["DAY", "MONTH", "OTHER"])
  })
})
