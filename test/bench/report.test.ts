import { describe, expect, it } from "bun:test"
import { plot } from "../../scripts/bench/plot.ts"
import type { Contender, Results, Run } from "../../scripts/bench/results.ts"
import { figuresOf, markdown } from "../../scripts/bench/table.ts"

const run = (wallMs: number, more: Partial<Run> = {}): Run => ({
  wallMs,
  cpuMs: wallMs / 2,
  peakBytes: 100e6,
  rows: 1_000,
  rowsHeld: 1_000,
  fileBytes: 5e6,
  ...more,
})

const contenders: Contender[] = [
  { key: "floor", label: "floor", group: "floor", runs: [run(8_000), run(10_000), run(9_000)] },
  { key: "full", label: "**druidsync & <co>**", group: "ours", runs: [run(10_000)] },
  { key: "cursor", label: "cursor", group: "other", runs: [run(90_000, { rowsHeld: 990 })] },
]

const results: Results = {
  date: "2026-01-02",
  version: "1.2.3",
  machine: "a machine",
  rows: 1_000,
  wireBytes: 280_000,
  parquetBytes: 4e6,
  contenders,
  locking: { attempts: 100, successes: 93, longestMs: 400, torn: 0 },
  startUp: [{ label: "start", wallMs: 50, cpuMs: 40 }],
  load: [0.1, 0.2],
}

describe("figures", () => {
  it("are the median of the rounds, with the fastest and the slowest beside it", () => {
    expect(figuresOf(contenders[0]!.runs)).toMatchObject({ wallMs: 9_000, leastMs: 8_000, mostMs: 10_000 })
    expect(figuresOf([run(1_000), run(2_000)]).wallMs).toBe(1_500)
  })

  it("take the greatest peak of memory", () => {
    expect(figuresOf([run(1), run(1, { peakBytes: 700e6 }), run(1)]).peakBytes).toBe(700e6)
  })
})

describe("the table", () => {
  it("sets each way beside the floor and says how many rows are missing", () => {
    const line = markdown(results)
      .split("\n")
      .find((text) => text.startsWith("| cursor"))
    expect(line).toContain("10.00 ×")
    expect(line).toContain("| -10 |")
  })

  it("says what Druid took, where it was measured", () => {
    const [floor, ...others] = contenders
    const measured = { ...floor!, runs: [run(8_000, { druidMs: 3_000 }), run(8_000, { druidMs: 5_000 })] }
    const lines = markdown({ ...results, contenders: [measured, ...others] }).split("\n")
    expect(lines.find((text) => text.startsWith("| floor"))).toContain("| 4.00 s | 4.00 s |")
    expect(lines.find((text) => text.startsWith("| cursor"))).toContain("| 45.0 s |  |")
  })

  it("says how often the file could be read", () => {
    expect(markdown(results)).toContain("93 of 100 tries succeeded (93%)")
  })
})

describe("the plot", () => {
  it("is well-formed, with two marks for each way and for the legend, and labels escaped", () => {
    const svg = plot(results)
    expect(svg).toContain("druidsync &amp; &lt;co&gt;")
    expect(svg.match(/<circle/g)).toHaveLength(2 * contenders.length + 2)
    expect(svg.match(/<(text|g|svg)\b/g)!.length).toBe(svg.match(/<\/(text|g|svg)>/g)!.length)
  })

  it("leaves out what does not bring all rows", () => {
    const few = {
      key: "nothing",
      label: "nothing new",
      group: "ours" as const,
      runs: [run(200, { rows: 0 })],
    }
    expect(plot({ ...results, contenders: [...contenders, few] })).not.toContain("nothing new")
  })
})
