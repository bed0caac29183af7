import { describe, expect, it } from "bun:test"
import fc from "fast-check"
import { formatDruidTime, parseDruidTime } from "../../src/base/time.ts"

const MIN = -4611686018427387904n
const MAX = 4611686018427387903n

describe("Druid's times", () => {
  it("come back from text to the same millisecond, over Druid's whole range", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: MIN, max: MAX }), (ms) => {
        expect(parseDruidTime(formatDruidTime(ms))).toBe(ms)
      }),
      { numRuns: 5_000 },
    )
  })

  it("are those of Date, wherever Date can tell", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (ms) => {
        const iso = new Date(ms).toISOString()
        expect(formatDruidTime(BigInt(ms))).toBe(iso)
        expect(parseDruidTime(iso)).toBe(BigInt(ms))
      }),
      { numRuns: 5_000 },
    )
  })

  it("at the ends of every month around leap years are those of Date", () => {
    for (const year of [0, 4, 100, 400, 1600, 1900, 1969, 1970, 2000, 2023, 2024, 2100, 9999]) {
      for (let month = 0; month < 12; month++) {
        const first = new Date(0)
        first.setUTCFullYear(year, month, 1)
        for (const ms of [first.getTime(), first.getTime() - 1]) {
          if (ms < -62_167_219_200_000) continue
          expect(parseDruidTime(new Date(ms).toISOString())).toBe(BigInt(ms))
        }
      }
    }
  })

  it("have the forms that Druid prints beyond four digits and before year 0", () => {
    expect(parseDruidTime("-146136543-09-08T08:23:32.096Z")).toBe(MIN)
    expect(formatDruidTime(MIN)).toBe("-146136543-09-08T08:23:32.096Z")
    expect(formatDruidTime(MAX)).toBe("146140482-04-24T15:36:27.903Z")
    expect(formatDruidTime(253_402_300_800_000n)).toBe("10000-01-01T00:00:00.000Z")
    expect(formatDruidTime(parseDruidTime("0000-01-01T00:00:00.000Z"))).toBe("0000-01-01T00:00:00.000Z")
    expect(formatDruidTime(parseDruidTime("-0001-12-31T23:59:59.999Z"))).toBe("-0001-12-31T23:59:59.999Z")
  })

  it("may lack the fraction or digits of it", () => {
    expect(parseDruidTime("1970-01-01T00:00:01Z")).toBe(1_000n)
    expect(parseDruidTime("1970-01-01T00:00:00.5Z")).toBe(500n)
    expect(parseDruidTime("1970-01-01T00:00:00.05Z")).toBe(50n)
  })

  it("that are none are refused, not guessed", () => {
    for (const text of [
      "",
      "2020-01-01",
      "2020-01-01T00:00:00.000",
      "2020-01-01T00:00:00.000+01:00",
      "2020-1-1T00:00:00Z",
      "1234567890-01-01T00:00:00.000Z",
      "20-01-01T00:00:00Z",
      "2020-01-01T00:00:00.0000Z",
      " 2020-01-01T00:00:00Z",
      "null",
    ])
      expect(() => parseDruidTime(text)).toThrow(RangeError)
  })

  it("that name a month, a day or an hour that does not exist are refused as well", () => {
    for (const text of [
      "2020-00-01T00:00:00Z",
      "2020-13-01T00:00:00Z",
      "2020-01-00T00:00:00Z",
      "2021-02-29T00:00:00Z",
      "2020-04-31T00:00:00Z",
      "2020-01-01T24:00:00Z",
      "2020-01-01T00:60:00Z",
    ])
      expect(() => parseDruidTime(text)).toThrow(RangeError)
  })
})
