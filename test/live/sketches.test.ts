/**
 * Sketches live on: what was pulled as BLOB is opened by the DataSketches library of another language, from PyPI, and
 * gives Druid's own estimates. The library is installed into a virtual environment beside the Druid's data, once.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { type Druid, ingest, markUnused, sql } from "../../scripts/druid/index.ts"
import { query } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { bunSource, executable, root } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { liveDruid, tag } from "./support.ts"

/** Estimates of the sketches on stdin: one JSON object of base64 texts per line. */
const PYTHON = `
import sys, json, base64, datasketches as ds
union, both = ds.hll_union(12), ds.theta_union()
for line in sys.stdin:
    row = {name: base64.b64decode(text) for name, text in json.loads(line).items()}
    hll = ds.hll_sketch.deserialize(row["hll"])
    theta = ds.compact_theta_sketch.deserialize(row["theta"])
    union.update(hll)
    both.update(theta)
    print(json.dumps([
        hll.get_estimate(),
        theta.get_estimate(),
        ds.quantiles_doubles_sketch.deserialize(row["quantiles"]).get_quantile(0.5),
        ds.kll_doubles_sketch.deserialize(row["kll"]).n,
    ]))
print(json.dumps([union.get_result(ds.tgt_hll_type.HLL_4).get_estimate(), both.get_result().get_estimate()]))
`

let druid: Druid
let stage: Stage
const datasource = `sketches ${tag}`

/** A Python that has the library. @throws Error where there is none and none can be made */
function python(): string {
  const folder = join(druid.dataDir, "..", "sketches-python")
  const program = join(folder, "bin", "python")
  const has = () => spawnSync(program, ["-c", "import datasketches, duckdb"]).status === 0
  if (existsSync(program) && has()) return program
  for (const [command, ...args] of [
    ["python3", "-m", "venv", folder],
    [program, "-m", "pip", "install", "--quiet", "datasketches", "duckdb"],
  ] as [string, ...string[]][]) {
    const made = spawnSync(command, args, { encoding: "utf8" })
    if (made.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${made.stderr}`)
  }
  return program
}

beforeAll(async () => {
  druid = await liveDruid()
  const rows = Array.from({ length: 6_000 }, (_, n) => ({
    __time: `2020-01-0${(n % 3) + 1}`,
    user: `user ${n % 4_001}`,
    took: (n * 7919) % 1_000,
  }))
  await ingest(druid, {
    datasource,
    rows,
    rollup: true,
    dimensions: ["page"],
    metrics: [
      { type: "HLLSketchBuild", name: "hll", fieldName: "user" },
      { type: "thetaSketch", name: "theta", fieldName: "user", size: 512 },
      { type: "quantilesDoublesSketch", name: "quantiles", fieldName: "took" },
      { type: "KllDoublesSketch", name: "kll", fieldName: "took" },
    ],
  })
  const runner = process.env.DRUIDSYNC_LIVE_RUNNER === "sources" ? bunSource() : executable()
  stage = new Stage(liveWorld(druid, tag), runner)
  stage.config([{ name: datasource, table: "sketched" }])
  const pulled = await stage.pull()
  if (pulled.exitCode !== 0) throw new Error(`exit ${pulled.exitCode}\n${pulled.stdout}\n${pulled.stderr}`)
}, 240_000)
afterAll(async () => {
  stage?.close()
  await markUnused(druid, datasource).catch(() => undefined)
})

describe("a pulled sketch", () => {
  it("is opened by the library from PyPI, and gives Druid's own estimates", async () => {
    const rows = await query(
      stage.out,
      "SELECT to_base64(hll) AS hll, to_base64(theta) AS theta, to_base64(quantiles) AS quantiles, to_base64(kll) AS kll FROM sketched ORDER BY __time",
    )
    expect(rows.length).toBe(3)
    const answer = spawnSync(python(), ["-c", PYTHON], {
      input: rows.map((row) => JSON.stringify(row)).join("\n"),
      encoding: "utf8",
    })
    if (answer.status !== 0) throw new Error(answer.stderr)
    const found = answer.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as number[])

    const each = await sql<Record<string, number>>(
      druid,
      `SELECT HLL_SKETCH_ESTIMATE(DS_HLL(hll)) AS h, THETA_SKETCH_ESTIMATE(DS_THETA(theta, 512)) AS t,
         DS_GET_QUANTILE(DS_QUANTILES_SKETCH(quantiles), 0.5) AS q FROM "${datasource}" GROUP BY __time ORDER BY __time`,
    )
    for (const [n, row] of each.entries()) {
      const [hll, theta, median, count] = found[n]!
      expect(hll).toBeCloseTo(row.h!, 6)
      expect(theta).toBeCloseTo(row.t!, 6)
      expect(Math.abs(median! - row.q!)).toBeLessThan(20)
      expect(count).toBe(2_000)
    }
    const [all] = await sql<Record<string, number>>(
      druid,
      `SELECT HLL_SKETCH_ESTIMATE(DS_HLL(hll)) AS h, APPROX_COUNT_DISTINCT_DS_THETA(theta, 512) AS t FROM "${datasource}"`,
    )
    const [hll, theta] = found[3]!
    expect(Math.abs(hll! - all!.h!) / all!.h!).toBeLessThan(0.001)
    // The union's own size differs between the two; both know 4,001 users to a few percent.
    expect(Math.abs(theta! - all!.t!) / all!.t!).toBeLessThan(0.15)
  }, 240_000)

  it("is counted by the example in Python", () => {
    const example = join(root, "docs/examples/distinct_users.py")
    const answer = spawnSync(python(), [example, stage.out, "sketched", "hll"], { encoding: "utf8" })
    expect(answer.stderr).toBe("")
    expect(Math.abs(Number(answer.stdout) - 4_001) / 4_001).toBeLessThan(0.05)
  }, 240_000)
})
