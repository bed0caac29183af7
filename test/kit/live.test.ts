import { describe, expect, it } from "bun:test"
import { LiveRegion } from "../../src/kit/text/live.ts"
import { liveLines } from "../../src/kit/text/live-view.ts"
import { RunProgress } from "../../src/kit/text/progress.ts"
import { PLAIN } from "../../src/kit/text/style.ts"
import { displayWidth } from "../../src/kit/text/width.ts"
import { Screen } from "./screen.ts"

describe("lines drawn in place", () => {
  it("replace one another and leave nothing behind when there are fewer", () => {
    const screen = new Screen()
    const live = new LiveRegion(screen)
    live.show(["one", "a longer line", "three"])
    live.show(["ONE", "short"])
    expect(screen.text).toBe("ONE\nshort")
    live.clear()
    expect(screen.text).toBe("")
  })

  it("stay below the lines that are said meanwhile", () => {
    const screen = new Screen()
    const live = new LiveRegion(screen)
    live.show(["50 %", "total"])
    live.above("warning: something\nof two lines")
    live.show(["60 %", "total"])
    live.above("said before the end")
    live.clear()
    screen.write("done\n")
    expect(screen.text).toBe("warning: something\nof two lines\nsaid before the end\ndone")
  })

  it("are not written again while they are the same", () => {
    const screen = new Screen()
    const live = new LiveRegion(screen)
    live.show(["same"])
    live.show(["same"])
    expect(screen.writes).toBe(1)
  })
})

function running(names: string[]): RunProgress {
  const progress = new RunProgress()
  for (const datasource of names)
    progress.take({ type: "planned", datasource, rows: 1_000_000, slices: 4, round: 1 }, 0)
  for (const datasource of names.slice(0, 12)) {
    progress.take({ type: "received", datasource, bytes: 50_000_000 }, 2_000)
    progress.take({ type: "fetched", datasource, bytes: 50_000_000, expectedRows: 250_000 }, 2_000)
    progress.take({ type: "received", datasource, bytes: 10_000_000 }, 2_500)
  }
  return progress
}

describe("the live view", () => {
  it("shows rows, share, rate and time left of one datasource", () => {
    const lines = liveLines(running(["wikipedia"]), undefined, 2_500, { width: 100, height: 10 }, PLAIN)
    expect(lines).toEqual([
      "wikipedia  ███░░░░░░░  30 %  300,000 of 1,000,000 rows  120,000 rows/s  24.0 MB/s  6 s left",
    ])
  })

  it("leaves out what does not fit, and cuts names, but never wraps", () => {
    const progress = running(["a-datasource-with-a-rather-long-name", "日本語のデータソース"])
    const at = (width: number) => liveLines(progress, undefined, 2_500, { width, height: 10 }, PLAIN)
    for (let width = 12; width <= 140; width++) {
      for (const line of at(width)) expect(displayWidth(line)).toBeLessThan(width)
    }
    expect(at(80)[1]).toBe("日本語のデータソース        30 %  300,000 of 1,000,000 rows  6 s left")
    expect(at(40)[0]).toBe("a-datasource…  30 %  6 s left")
  })

  it("shows as many active datasources as there is room for, and one line for all", () => {
    const names = Array.from({ length: 200 }, (_, n) => `ds-${n}`)
    const lines = liveLines(running(names), undefined, 2_500, { width: 120, height: 5 }, PLAIN)
    expect(lines).toHaveLength(5)
    expect(lines[3]).toStartWith("ds-3 ")
    expect(lines[4]).toBe(
      "0 of 200 datasources done, 196 not shown · 1 % · 3,600,000 of 200,000,000 rows · 1,440,000 rows/s · 2 min 16 s left",
    )
  })

  it("shows what is being waited for, with control characters made visible", () => {
    const lines = liveLines(new RunProgress(), "waiting for \u001b[31mx", 0, { width: 80, height: 10 }, PLAIN)
    expect(lines).toEqual(["waiting for \\u001b[31mx"])
  })

  it("shows rows and their share alone, and bytes as a speed, also while nothing tells how many rows they are", () => {
    const progress = new RunProgress()
    progress.take({ type: "planned", datasource: "w", rows: 1_000, slices: 1, round: 1 }, 0)
    progress.take({ type: "received", datasource: "w", bytes: 12_000_000 }, 1_000)
    expect(liveLines(progress, undefined, 2_000, { width: 80, height: 10 }, PLAIN)).toEqual([
      "w  ░░░░░░░░░░  0 %  0 of 1,000 rows    6.0 MB/s",
    ])
  })
})
