import { describe, expect, it } from "bun:test"
import { PLAIN } from "../../src/kit/text/style.ts"
import { summaryLines } from "../../src/kit/text/summary.ts"
import { datasource, day, report } from "./support.ts"

const lines = (...all: Parameters<typeof datasource>[]) =>
  summaryLines(report(all.map((one) => datasource(...one))), false, PLAIN)
const only = (...one: Parameters<typeof datasource>) => lines(one)[0]!

describe("the summary of a run", () => {
  it("says in one line what was fetched, what the table has now and its newest time", () => {
    expect(only("wikipedia", { rowsFetched: 24_112, bytes: 6_300_000, slices: 1 })).toEqual({
      level: "info",
      text: "wikipedia: 24,112 rows fetched (6.3 MB) in 9.6 s; 24,112 rows in table wikipedia, newest 2016-06-27 21:31:02.498",
    })
  })

  it("says that nothing is new", () => {
    expect(only("koalas-to-the-max").text).toBe(
      "koalas-to-the-max: nothing new in 9.6 s; 24,112 rows in table koalas_to_the_max, newest 2016-06-27 21:31:02.498",
    )
  })

  it("tells old rows that were replaced, provisional, kept and cold ones apart", () => {
    const text = only("w", {
      rowsFetched: 100,
      rowsDeleted: 90,
      bytes: 5_000,
      provisionalRows: 7,
      keptRows: 1_000,
      cold: [day(1), day(2)],
    }).text
    expect(text).toBe(
      "w: 100 rows fetched (5.0 kB), 90 old rows taken out in 9.6 s; 24,112 rows in table w, newest 2016-06-27 21:31:02.498; 7 of them provisional (realtime, may still change in Druid); 1,000 of them kept (gone from Druid, here alone); 2016-06-01 to 2016-06-02 is on no Druid server (load rules): left as it is",
    )
  })

  it("says what is incomplete and why, stretches of one reason together", () => {
    const reason = "1 of 3 segments in this interval are published but served by no historical now"
    const line = only("w", {
      outcome: "incomplete",
      incomplete: [
        { interval: day(1), reason },
        { interval: day(2), reason },
        { interval: day(9), reason: "Druid has not counted its newest segments yet" },
        { interval: "", reason: "Druid lists no column" },
      ],
    })
    expect(line.level).toBe("warn")
    expect(line.text).toBe(
      `w: INCOMPLETE: 2016-06-01 to 2016-06-02: ${reason}; 2016-06-09: Druid has not counted its newest segments yet; Druid lists no column; nothing fetched in 9.6 s; 24,112 rows in table w, newest 2016-06-27 21:31:02.498`,
    )
  })

  it("gives the first reasons alone, and all of them when asked", () => {
    const incomplete = [1, 3, 5, 7, 9].map((n) => ({ interval: day(n), reason: `reason ${n}` }))
    const all = report([datasource("w", { outcome: "incomplete", incomplete })])
    expect(summaryLines(all, false, PLAIN)[0]!.text).toContain(
      "2016-06-05: reason 5; and 2 more, which --verbose lists;",
    )
    expect(summaryLines(all, true, PLAIN)[0]!.text).toContain("2016-06-07: reason 7; 2016-06-09: reason 9;")
  })

  it("says what failed and what to do, with control characters of a server made visible", () => {
    const line = only("bad", {
      outcome: "failed",
      error: { code: "query", message: "no \u001b[2Jsuch\nthing", hint: "check its name" },
      rows: 0,
      cursor: null,
    })
    expect(line).toEqual({
      level: "error",
      text: "bad: FAILED: no \\u001b[2Jsuch thing → check its name; nothing fetched in 9.6 s",
    })
  })

  it("says of an interrupted run what is safe", () => {
    const line = only("w", { outcome: "interrupted", rowsFetched: 10, bytes: 100 })
    expect(line.level).toBe("warn")
    expect(line.text).toStartWith(
      "w: INTERRUPTED: what is stored is whole, the next pull goes on from there; 10 rows fetched (100 B) in 9.6 s; ",
    )
  })

  it("adds a line for all where there are several, and gives the time there", () => {
    const all = lines(
      ["a", { rowsFetched: 1_000, bytes: 5 }],
      ["b", {}],
      ["c", { outcome: "failed", error: { code: "query", message: "no" } }],
    )
    expect(all.map((line) => line.text)).toEqual([
      "a: 1,000 rows fetched (5 B); 24,112 rows in table a, newest 2016-06-27 21:31:02.498",
      "b: nothing new; 24,112 rows in table b, newest 2016-06-27 21:31:02.498",
      "c: FAILED: no; nothing fetched; 24,112 rows in table c, newest 2016-06-27 21:31:02.498",
      "3 datasources: 2 complete, 1 failed; 1,000 rows in 9.6 s, 18 requests",
    ])
  })
})
