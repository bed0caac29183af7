import { describe, expect, it } from "bun:test"
import { createReporter, type ReporterOptions } from "../../src/kit/reporter.ts"
import type { SyncEvent } from "../../src/pull/events.ts"
import { Pipe, Screen } from "./screen.ts"
import { datasource, day, report } from "./support.ts"

/** A reporter with a clock and a timer of the test's own. */
function make(stderr: Pipe | Screen, options: Partial<ReporterOptions> = {}) {
  let nowMs = 0
  let tick: (() => void) | undefined
  const reporter = createReporter({
    stderr,
    env: {},
    nowMs: () => nowMs,
    quiet: false,
    verbose: false,
    every: (_, call) => {
      tick = call
      return () => {
        tick = undefined
      }
    },
    ...options,
  })
  return {
    reporter,
    /** tells an event at a time, and lets the timer fire */
    at(ms: number, event: SyncEvent) {
      nowMs = ms
      reporter.emit(event)
      tick?.()
    },
    hasTimer: () => tick !== undefined,
  }
}

const RUN: [number, SyncEvent][] = [
  [0, { type: "looking", url: "http://127.0.0.1:8888", datasources: ["wikipedia", "koalas"] }],
  [100, { type: "planned", datasource: "wikipedia", rows: 1_000, slices: 2, round: 1 }],
  [100, { type: "planned", datasource: "koalas", rows: 500, slices: 1, round: 1 }],
  [1_000, { type: "received", datasource: "wikipedia", bytes: 50_000 }],
  [1_500, { type: "fetched", datasource: "wikipedia", bytes: 50_000, expectedRows: 500 }],
  [
    1_600,
    { type: "retry", message: 'fetching "koalas": the connection was lost', waitMs: 2_000, attempt: 1 },
  ],
  [1_700, { type: "warning", datasource: "wikipedia", message: 'column "x" is new (VARCHAR)' }],
  [2_000, { type: "received", datasource: "wikipedia", bytes: 25_000 }],
]
const REST: [number, SyncEvent][] = [
  [3_000, { type: "fetched", datasource: "wikipedia", bytes: 50_000, expectedRows: 500 }],
  [3_100, { type: "committed", datasource: "wikipedia", rows: 1_000, slices: 2 }],
  [3_200, { type: "detail", message: '"koalas": counted again' }],
  [3_300, { type: "waiting", message: "waiting for Druid to load and count its newest segments" }],
  [4_300, { type: "waiting", message: "waiting for Druid to load and count its newest segments" }],
]
const FINISHED: SyncEvent = {
  type: "finished",
  report: report([
    datasource("wikipedia", { rowsFetched: 1_000, bytes: 100_000, rows: 1_000 }),
    datasource("koalas", {
      outcome: "incomplete",
      incomplete: [
        {
          interval: day(1),
          reason: "1 of 2 segments in this interval are published but served by no historical now",
        },
      ],
      rows: 0,
      cursor: null,
    }),
  ]),
}
const SUMMARY = [
  "wikipedia: 1,000 rows fetched (100.0 kB); 1,000 rows in table wikipedia, newest 2016-06-27 21:31:02.498",
  "koalas: INCOMPLETE: 2016-06-01: 1 of 2 segments in this interval are published but served by no historical now; nothing fetched; no rows",
  "2 datasources: 1 complete, 1 incomplete; 1,000 rows in 9.6 s, 18 requests",
]

describe("on a terminal", () => {
  it("draws a line for each active datasource and one for all, below what is said meanwhile", () => {
    const screen = new Screen(100)
    const { at } = make(screen)
    at(...RUN[0]!)
    expect(screen.text).toBe("asking http://127.0.0.1:8888 about 2 datasources")
    for (const step of RUN.slice(1)) at(...step)
    expect(screen.text.split("\n")).toEqual([
      'trying again in 2 s (1 of 3): fetching "koalas": the connection was lost',
      'warning: wikipedia: column "x" is new (VARCHAR)',
      "wikipedia  ███████░░░  75 %  750 of 1,000 rows  395 rows/s  39.5 kB/s  1 s left",
      "0 of 2 datasources done, 1 not shown · 50 % · 750 of 1,500 rows · 395 rows/s · 39.5 kB/s · 2 s left",
    ])
  })

  it("ends with the summary alone, and draws no more", () => {
    const screen = new Screen(150)
    const { at, hasTimer, reporter } = make(screen)
    for (const step of [...RUN, ...REST]) at(...step)
    expect(screen.text).toEndWith("waiting for Druid to load and count its newest segments")
    at(5_000, FINISHED)
    reporter.close()
    expect(hasTimer()).toBe(false)
    expect(screen.text.split("\n").slice(2)).toEqual(SUMMARY)
  })

  it("takes the live lines away when the run fails without a report", () => {
    const screen = new Screen()
    const { at, reporter, hasTimer } = make(screen)
    at(...RUN[0]!)
    reporter.close()
    expect(screen.text).toBe("")
    expect(hasTimer()).toBe(false)
  })

  it("draws no live lines on a dumb terminal, nor when quiet", () => {
    const dumb = new Screen()
    const { at, hasTimer } = make(dumb, { env: { TERM: "dumb" } })
    for (const step of RUN) at(...step)
    expect(hasTimer()).toBe(false)
    expect(dumb.raw).not.toContain("\u001b")
    const quiet = new Screen()
    make(quiet, { quiet: true }).at(...RUN[0]!)
    expect(quiet.raw).toBe("")
  })

  it("moves the cursor but uses no colour with NO_COLOR", () => {
    const screen = new Screen(150)
    const { at } = make(screen, { env: { NO_COLOR: "1" } })
    for (const step of [...RUN, ...REST]) at(...step)
    at(5_000, FINISHED)
    expect(screen.raw).toContain("\u001b[2A")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
    expect(screen.raw).not.toMatch(/\u001b\[\d+m/)
  })
})

describe("without a terminal", () => {
  it("writes warnings and retries as they come, and one line per datasource at the end", () => {
    const pipe = new Pipe()
    const { at } = make(pipe)
    for (const step of [...RUN, ...REST]) at(...step)
    at(5_000, FINISHED)
    expect(pipe.text.split("\n")).toEqual([
      'trying again in 2 s (1 of 3): fetching "koalas": the connection was lost',
      'warning: wikipedia: column "x" is new (VARCHAR)',
      "waiting for Druid to load and count its newest segments",
      ...SUMMARY,
      "",
    ])
  })

  it("writes every step with --verbose", () => {
    const pipe = new Pipe()
    const { at } = make(pipe, { verbose: true })
    for (const step of [...RUN, ...REST]) at(...step)
    expect(pipe.text.split("\n")).toEqual([
      "asking http://127.0.0.1:8888 about 2 datasources",
      "wikipedia: about 1,000 rows to fetch in 2 slices",
      "koalas: about 500 rows to fetch in 1 slice",
      "wikipedia: a slice has arrived (50.0 kB)",
      'trying again in 2 s (1 of 3): fetching "koalas": the connection was lost',
      'warning: wikipedia: column "x" is new (VARCHAR)',
      "wikipedia: a slice has arrived (50.0 kB)",
      "wikipedia: 1,000 rows stored",
      '"koalas": counted again',
      "waiting for Druid to load and count its newest segments",
      "",
    ])
  })

  it("writes nothing with --quiet while nothing is wrong", () => {
    const pipe = new Pipe()
    const { at } = make(pipe, { quiet: true })
    for (const step of [...RUN.filter(([, event]) => event.type !== "warning"), ...REST]) at(...step)
    at(5_000, { type: "finished", report: report([datasource("a", { rowsFetched: 5 }), datasource("b")]) })
    expect(pipe.text).toBe("")
  })

  it("writes warnings and what is incomplete or failed with --quiet", () => {
    const pipe = new Pipe()
    const { at } = make(pipe, { quiet: true })
    for (const step of [...RUN, ...REST]) at(...step)
    at(5_000, FINISHED)
    expect(pipe.text).toBe(`warning: wikipedia: column "x" is new (VARCHAR)\n${SUMMARY[1]}\n`)
  })

  it("makes control characters from servers visible in every line", () => {
    const pipe = new Pipe()
    const { at } = make(pipe, { verbose: true })
    const evil = "\u001b]0;title\u0007\nsecond line"
    at(0, { type: "looking", url: evil, datasources: [evil] })
    at(0, { type: "planned", datasource: evil, rows: 1, slices: 1, round: 1 })
    at(0, { type: "fetched", datasource: evil, bytes: 1, expectedRows: 1 })
    at(0, { type: "committed", datasource: evil, rows: 1, slices: 1 })
    at(0, { type: "retry", message: evil, waitMs: 1, attempt: 1 })
    at(0, { type: "waiting", message: evil })
    at(0, { type: "warning", datasource: evil, message: evil })
    at(0, { type: "detail", message: evil })
    at(0, {
      type: "finished",
      report: report([
        datasource(evil, { table: evil, outcome: "failed", error: { code: "x", message: evil, hint: evil } }),
      ]),
    })
    expect(pipe.text.split("\n")).toHaveLength(10)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
    expect(pipe.text.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f]/)
  })

  it("says the same thing as often as it happens", () => {
    const pipe = new Pipe()
    const { at } = make(pipe)
    for (let n = 0; n < 20; n++) at(0, { type: "warning", message: "again" })
    expect(pipe.text).toBe("warning: again\n".repeat(20))
  })
})
