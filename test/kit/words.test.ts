import { describe, expect, it } from "bun:test"
import { parseInterval } from "../../src/base/intervals.ts"
import { parseDruidTime } from "../../src/base/time.ts"
import {
  ago,
  count,
  counted,
  duration,
  intervalsWords,
  intervalWords,
  size,
  time,
} from "../../src/kit/text/words.ts"

const span = (text: string) => {
  const [start, end] = text
    .split("/")
    .map((part) => parseDruidTime(part.includes("T") ? `${part}Z` : `${part}T00:00:00Z`))
  return { start: start!, end: end! }
}
const words = (text: string) => intervalWords(span(text))

describe("numbers in words", () => {
  it("groups digits by three and counts in the singular for one", () => {
    expect([count(0), count(999), count(1000), count(24112), count(1234567)]).toEqual([
      "0",
      "999",
      "1,000",
      "24,112",
      "1,234,567",
    ])
    expect([counted(0, "row"), counted(1, "row"), counted(2000, "row")]).toEqual([
      "0 rows",
      "1 row",
      "2,000 rows",
    ])
  })

  it("gives sizes in decimal units and never a thousand of one", () => {
    expect([
      size(0),
      size(999),
      size(1000),
      size(999_949),
      size(999_950),
      size(26_143_385),
      size(3.2e12),
    ]).toEqual(["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "26.1 MB", "3.2 TB"])
  })

  it("gives durations in two units at most, rounded the same way at each border", () => {
    expect(
      [0, 440, 9_949, 9_950, 59_499, 59_500, 185_000, 3_599_600, 7_500_000, 273_600_000].map((ms) =>
        duration(ms),
      ),
    ).toEqual([
      "0.0 s",
      "0.4 s",
      "9.9 s",
      "10 s",
      "59 s",
      "1 min 00 s",
      "3 min 05 s",
      "1 h 00 min",
      "2 h 05 min",
      "3 d 04 h",
    ])
    expect(duration(2_000, false)).toBe("2 s")
  })

  it("says how long ago something was", () => {
    const now = 1_000_000_000_000
    const s = 1000
    expect(
      [0, 59 * s, 60 * s, 3_599 * s, 3_600 * s, 47 * 3_600 * s, 48 * 3_600 * s, -90 * s].map((ms) =>
        ago(now - ms, now),
      ),
    ).toEqual([
      "just now",
      "just now",
      "1 minute ago",
      "59 minutes ago",
      "1 hour ago",
      "47 hours ago",
      "2 days ago",
      "in the future",
    ])
  })
})

describe("times in words", () => {
  it("leaves out seconds and fractions that are zero", () => {
    expect(time("2016-06-27T21:31:02.498Z")).toBe("2016-06-27 21:31:02.498")
    expect(time("2016-06-27T21:31:02.000Z")).toBe("2016-06-27 21:31:02")
    expect(time("2016-06-27T21:00:00.000Z")).toBe("2016-06-27 21:00")
    expect(time("2016-06-27T21:00:00.500Z")).toBe("2016-06-27 21:00:00.500")
  })

  it("names whole days, months and years by their own names", () => {
    expect(words("2016-06-28/2016-06-29")).toBe("2016-06-28")
    expect(words("2016-06-01/2016-07-01")).toBe("2016-06")
    expect(words("2016-12-01/2017-01-01")).toBe("2016-12")
    expect(words("2016-01-01/2017-01-01")).toBe("2016")
  })

  it("names several days by the first and the last, which belongs to them", () => {
    expect(words("2016-06-28/2016-07-01")).toBe("2016-06-28 to 2016-06-30")
    expect(words("2016-06-01/2016-08-01")).toBe("2016-06-01 to 2016-07-31")
  })

  it("names parts of days by the clock", () => {
    expect(words("2016-06-28T05:00:00/2016-06-28T06:00:00")).toBe("2016-06-28 05:00 to 06:00")
    expect(words("2016-06-28T22:00:00/2016-06-29")).toBe("2016-06-28 22:00 to 24:00")
    expect(words("2016-06-28T05:00:00/2016-06-29T07:30:15.250")).toBe(
      "2016-06-28 05:00 to 2016-06-29 07:30:15.250",
    )
  })

  it("names years before the common era and Druid's eternity", () => {
    expect(words("-0044-03-15/-0044-03-16")).toBe("-0044-03-15")
    expect(words("-0001-01-01/0000-01-01")).toBe("-0001")
    const max = 4611686018427387903n
    expect(intervalWords({ start: -max - 1n, end: max })).toBe("all time")
    expect(intervalWords({ start: -max - 1n, end: 0n })).toBe("before 1970-01-01")
    expect(intervalWords({ start: 0n, end: max })).toBe("from 1970-01-01 on")
  })

  it("joins neighbours, and tells many stretches as a number", () => {
    const days = ["2016-06-03/2016-06-04", "2016-06-01/2016-06-02", "2016-06-02/2016-06-03"].map(span)
    expect(intervalsWords(days)).toBe("2016-06-01 to 2016-06-03")
    const apart = [
      "2016-06-01/2016-06-02",
      "2016-06-03/2016-06-04",
      "2016-06-05/2016-06-06",
      "2016-06-07/2016-06-08",
    ].map(span)
    expect(intervalsWords(apart.slice(0, 2))).toBe("2016-06-01, 2016-06-03")
    expect(intervalsWords(apart)).toBe("4 intervals within 2016-06-01 to 2016-06-07")
  })

  it("reads back what Druid writes", () => {
    expect(parseInterval("2016-06-28T00:00:00.000Z/2016-06-29T00:00:00.000Z")).toEqual(
      span("2016-06-28/2016-06-29"),
    )
  })
})
