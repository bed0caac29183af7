import { describe, expect, it } from "bun:test"
import { RunProgress } from "../../src/kit/text/progress.ts"

const planned = (datasource: string, rows: number, slices: number, round = 1) =>
  ({ type: "planned", datasource, rows, slices, round }) as const
const received = (datasource: string, bytes: number) => ({ type: "received", datasource, bytes }) as const
const fetched = (datasource: string, bytes: number, expectedRows: number) =>
  ({ type: "fetched", datasource, bytes, expectedRows }) as const
const committed = (datasource: string, rows: number, slices = 1) =>
  ({ type: "committed", datasource, rows, slices }) as const

function play(...steps: [atMs: number, event: Parameters<RunProgress["take"]>[0]][]): RunProgress {
  const progress = new RunProgress()
  for (const [atMs, event] of steps) progress.take(event, atMs)
  return progress
}

describe("the progress of a run", () => {
  it("turns arriving bytes into rows by the bytes per row of what was fetched", () => {
    const progress = play(
      [0, planned("w", 4_000, 4)],
      [500, received("w", 100_000)],
      [1_000, fetched("w", 100_000, 1_000)],
      [1_500, received("w", 50_000)],
    )
    expect(progress.datasources(2_000)[0]).toEqual({
      title: "w",
      phase: "fetching",
      rows: 1_500,
      expected: 4_000,
      share: 0.375,
      rate: 750,
      bytesRate: 75_000,
      leftMs: 3_333.3333333333335,
    })
  })

  it("knows no share while bytes arrive and nothing tells how many rows they are", () => {
    const progress = play([0, planned("w", 4_000, 1)], [500, received("w", 100_000)])
    expect(progress.datasources(2_000)[0]).toMatchObject({ rows: 0, share: undefined, bytesRate: 50_000 })
    expect(progress.total(2_000)).toMatchObject({ rate: undefined, leftMs: undefined })
  })

  it("takes bytes of a failed try back", () => {
    const progress = play(
      [0, planned("w", 4_000, 4)],
      [1, received("w", 100_000)],
      [2, fetched("w", 100_000, 1_000)],
      [3, received("w", 70_000)],
      [4, received("w", -70_000)],
    )
    expect(progress.datasources(5)[0]).toMatchObject({ rows: 1_000 })
  })

  it("adds what is found later in the same round, and forgets nothing that is under way", () => {
    const progress = play(
      [0, planned("w", 1_000, 1)],
      [1, received("w", 9_000)],
      [2, fetched("w", 9_000, 1_000)],
      [3, { ...planned("w", 3_000, 3), isMore: true }],
    )
    expect(progress.datasources(4)[0]).toMatchObject({ rows: 1_000, expected: 4_000, share: 0.25 })
  })

  it("is never quite complete before everything is stored, and complete after", () => {
    const progress = play(
      [0, planned("w", 1_000, 1)],
      [1, received("w", 9_000)],
      [2, fetched("w", 9_000, 1_000)],
    )
    expect(progress.datasources(3)[0]).toMatchObject({ phase: "storing", share: 0.99, rows: 1_000 })
    progress.take(committed("w", 1_000), 4)
    expect(progress.datasources(5)[0]).toMatchObject({ phase: "done", share: 1, rows: 1_000 })
  })

  it("goes on from what is stored when another round finds more", () => {
    const progress = play(
      [0, planned("w", 1_000, 1)],
      [1, received("w", 9_000)],
      [2, fetched("w", 9_000, 1_000)],
      [3, committed("w", 1_000)],
      [4, planned("w", 500, 1, 2)],
    )
    expect(progress.datasources(5)[0]).toMatchObject({ phase: "fetching", rows: 1_000, expected: 1_500 })
  })

  it("forgets what a round lost on its way", () => {
    const progress = play(
      [0, planned("w", 1_000, 1)],
      [1, received("w", 9_000)],
      [2, planned("w", 1_000, 1, 2)],
    )
    expect(progress.datasources(3)[0]).toMatchObject({ rows: 0, expected: 1_000, phase: "queued" })
  })

  it("measures the rate over the last ten seconds, not over the whole run", () => {
    const progress = play([0, planned("w", 1_000_000, 100)])
    for (let s = 1; s <= 60; s++) {
      const rows = s <= 30 ? 10_000 : 100
      progress.take(received("w", rows * 10), s * 1_000)
      progress.take(fetched("w", rows * 10, rows), s * 1_000)
    }
    expect(progress.datasources(60_500)[0]!.rate).toBeCloseTo(100, -1)
    expect(progress.total(60_500).rate).toBeCloseTo(100, -1)
  })

  it("ignores datasources that nothing was planned for", () => {
    expect(play([0, received("x", 5)]).datasources(1)).toEqual([])
  })
})
