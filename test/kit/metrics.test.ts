/** The metrics of a run, read back by a strict reader of the format. */
import { describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import {
  type DatasourceFigures,
  METRICS,
  metricsText,
  parseSamples,
  type RunFigures,
} from "../../src/kit/job/metrics.ts"
import { readExposition } from "../support/prometheus.ts"
import { datasource, day } from "./support.ts"

const HELD = {
  rows: 100,
  provisionalRows: 7,
  keptRows: 3,
  newestMs: 1_467_000_000_123,
  aheadRows: 2,
  lastSuccessMs: 1_700_000_000_500,
}

function figures(name: string, rest: Partial<DatasourceFigures> = {}): DatasourceFigures {
  return {
    name,
    report: datasource(name, { rowsFetched: 10, rowsDeleted: 4, bytes: 2_048, slices: 2 }),
    busyMs: 1_500,
    held: HELD,
    ...rest,
  }
}

function run(rest: Partial<RunFigures> = {}): RunFigures {
  return {
    out: "/srv/analytics.duckdb",
    version: "1.2.3",
    exitCode: 0,
    startedMs: 1_700_000_000_000,
    endedMs: 1_700_000_002_500,
    requests: 9,
    retries: 1,
    published: 1,
    datasources: [figures("wikipedia")],
    ...rest,
  }
}

const NOTHING = new Map<string, string>()

describe("the metrics of a run", () => {
  it("are in Prometheus' text format, each of them with HELP and TYPE", () => {
    const { samples, types } = readExposition(metricsText(run(), NOTHING))
    expect([...types.keys()]).toEqual([...METRICS])
    expect(new Set(samples.map(({ name }) => name))).toEqual(new Set(METRICS))
  })

  it("are accepted by promtool, where it is installed", () => {
    if (spawnSync("promtool", ["--version"]).status !== 0) {
      console.error("skipped: promtool is not installed (Debian: prometheus)")
      return
    }
    const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], {
      input: metricsText(run(), NOTHING),
      encoding: "utf8",
    })
    expect([status, `${stdout}${stderr}`]).toEqual([0, ""])
  })

  it("say what the run did and what the file holds", () => {
    const said = readExposition(metricsText(run({ exitCode: 3 }), NOTHING))
    const of = (name: string) => said.value(`druidsync_${name}`)
    expect(of("last_run_exit_code")).toBe(3)
    expect(of("last_run_duration_seconds")).toBe(2.5)
    expect(of("last_run_start_timestamp_seconds")).toBe(1_700_000_000)
    expect(of("rows")).toBe(100)
    expect(of("provisional_rows")).toBe(7)
    expect(of("rows_fetched_total")).toBe(10)
    expect(of("received_bytes_total")).toBe(2_048)
    expect(of("busy_seconds_total")).toBe(1.5)
    expect(of("cursor_timestamp_seconds")).toBe(1_467_000_000.123)
    expect(of("ahead_rows")).toBe(2)
    expect(of("last_success_timestamp_seconds")).toBe(1_700_000_000.5)
    expect(of("retries_total")).toBe(1)
    expect(of("complete")).toBe(1)
  })

  it("count what is missing", () => {
    const report = datasource("w", {
      outcome: "incomplete",
      incomplete: [
        { interval: day(27), reason: "x" },
        { interval: day(28), reason: "y" },
      ],
      unavailable: [day(27)],
    })
    const said = readExposition(metricsText(run({ datasources: [figures("w", { report })] }), NOTHING))
    expect(said.value("druidsync_incomplete_intervals")).toBe(2)
    expect(said.value("druidsync_unavailable_intervals")).toBe(1)
    expect(said.value("druidsync_complete")).toBe(0)
  })

  it("go on counting from one run to the next", () => {
    let text = ""
    for (let n = 0; n < 3; n++) text = metricsText(run(), parseSamples(text))
    const said = readExposition(text)
    expect(said.value("druidsync_runs_total")).toBe(3)
    expect(said.value("druidsync_rows_fetched_total")).toBe(30)
    expect(said.value("druidsync_busy_seconds_total")).toBe(4.5)
    expect(said.value("druidsync_rows")).toBe(100)
  })

  it("keep what is known where a run could not learn it, and forget what the config no longer has", () => {
    const first = metricsText(run({ datasources: [figures("a"), figures("b")] }), NOTHING)
    const failed = run({
      exitCode: 11,
      datasources: [figures("a", { report: undefined, held: undefined, busyMs: 0 })],
    })
    const said = readExposition(metricsText(failed, parseSamples(first)))
    expect(said.value("druidsync_last_run_exit_code")).toBe(11)
    expect(said.value("druidsync_last_success_timestamp_seconds", { datasource: "a" })).toBe(1_700_000_000.5)
    expect(said.value("druidsync_complete", { datasource: "a" })).toBe(1)
    expect(said.value("druidsync_rows_fetched_total", { datasource: "a" })).toBe(10)
    expect(said.samples.filter(({ labels }) => labels.datasource === "b")).toEqual([])
    // Without a configuration nothing is known of what it has: all stays.
    const blind = readExposition(
      metricsText(run({ exitCode: 2, datasources: undefined }), parseSamples(first)),
    )
    expect(blind.value("druidsync_rows", { datasource: "b" })).toBe(100)
    expect(blind.value("druidsync_last_run_exit_code")).toBe(2)
  })

  it("escape whatever stands in a name", () => {
    const name = 'a "b" \\ c\nd } é 数 \ud800'
    const text = metricsText(run({ out: "/a b/\\x.duckdb", datasources: [figures(name)] }), NOTHING)
    const again = metricsText(
      run({ out: "/a b/\\x.duckdb", datasources: [figures(name)] }),
      parseSamples(text),
    )
    const said = readExposition(again)
    const rows = said.samples.find((one) => one.name === "druidsync_rows")!
    expect(rows.labels).toEqual({ out: "/a b/\\x.duckdb", datasource: name.replace("\ud800", "\ufffd") })
    expect(said.value("druidsync_rows_fetched_total")).toBe(20)
  })
})

describe("the reader of the format", () => {
  const head = "# HELP a_total x\n# TYPE a_total counter\n"
  const wrong: [string, string][] = [
    ["a sample without its TYPE", "a 1\n"],
    ["no line feed at the end", `${head}a_total 1`],
    ["a sample that comes twice", `${head}a_total{b="c"} 1\na_total{b="c"} 2\n`],
    ["an unescaped quote", `${head}a_total{b="c"d"} 1\n`],
    ["something that is no number", `${head}a_total one\n`],
    ["a label that comes twice", `${head}a_total{b="c",b="d"} 1\n`],
    ["a counter that is not called so", "# HELP a x\n# TYPE a counter\na 1\n"],
    ["families that are mixed", `${head}# HELP b x\n# TYPE b gauge\nb 1\na_total 1\n`],
  ]
  for (const [what, text] of wrong) {
    it(`refuses ${what}`, () => {
      expect(() => readExposition(text)).toThrow()
    })
  }
})
