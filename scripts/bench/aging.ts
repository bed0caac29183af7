/**
 * A file over a year: hundreds of pulls of a growing stream with late rows and daily compaction, then its size and the time
 * of a scan beside those of a fresh copy of the same rows.
 *
 *     bun scripts/bench/aging.ts [--pulls 500] [--rows 2000] [program …]       default: bun src/main.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type FakeDruid, startFakeDruid } from "../../test/support/fake-druid/fake-druid.ts"
import { bytesOf, scanMs } from "./files.ts"
import { measureOk, median } from "./measure.ts"

const { values, positionals } = parseArgs({
  options: { pulls: { type: "string", default: "500" }, rows: { type: "string", default: "2000" } },
  allowPositionals: true,
})
const program =
  positionals.length > 0 ? positionals : [process.execPath, join(import.meta.dirname, "../../src/main.ts")]
const pulls = Number(values.pulls)
/** new rows before each pull; a tenth as many come late */
const rowsPerPull = Number(values.rows)

const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2024, 0, 1)
/** Pulls of a day: one every three hours, as a stream of 500 makes two months. */
const PULLS_PER_DAY = 8
const STEP_MS = (24 * HOUR_MS) / PULLS_PER_DAY
const SCANS = 5

const fake = await startFakeDruid()
const folder = mkdtempSync(join(tmpdir(), "druidsync-aging-"))
try {
  const { hostname, port } = new URL(fake.url)
  const config = join(folder, "config.json")
  writeFileSync(config, JSON.stringify({ host: hostname, port: Number(port), datasources: ["events"] }))
  const pull = (out: string) => measureOk([...program, "pull", "--config", config, "--out", out])
  const [aged, fresh] = [join(folder, "aged.duckdb"), join(folder, "fresh.duckdb")]
  const cpuMs: number[] = []
  for (let n = 0; n < pulls; n++) {
    grow(fake, n)
    cpuMs.push((await pull(aged)).cpuMs)
  }
  await pull(fresh)
  const [agedMs, freshMs] = [await scanned(aged), await scanned(fresh)]
  const [agedBytes, freshBytes] = [bytesOf(aged)!, bytesOf(fresh)!]
  console.log(`${pulls} pulls of about ${rowsPerPull} rows: ${median(cpuMs).toFixed(0)} ms CPU each (median)`)
  console.log(
    `size: ${megabytes(agedBytes)}, fresh ${megabytes(freshBytes)}: ${ratio(agedBytes, freshBytes)}`,
  )
  console.log(`scan: ${agedMs.toFixed(1)} ms, fresh ${freshMs.toFixed(1)} ms: ${ratio(agedMs, freshMs)}`)
} finally {
  await fake.stop()
  rmSync(folder, { recursive: true, force: true })
}

/** New rows, some of them up to three days late; at the end of a day the one before is compacted. */
function grow({ world }: FakeDruid, n: number): void {
  const nowMs = START_MS + n * STEP_MS
  const row = (time: number, k: number) => ({
    __time: time,
    channel: `#${(k * 7) % 50}`,
    page: `page ${(n * 31 + k * 17) % 5_000}`,
    added: (n * 13 + k) % 1_000,
  })
  const fresh = Array.from({ length: rowsPerPull }, (_, k) =>
    row(nowMs + Math.floor((k * STEP_MS) / rowsPerPull), k),
  )
  const late = Array.from({ length: Math.floor(rowsPerPull / 10) }, (_, k) =>
    row(Math.max(START_MS, nowMs - (k % 72) * HOUR_MS), k),
  )
  world.append("events", [...fresh, ...late], { granularity: "DAY" })
  if (n % PULLS_PER_DAY === 0 && n > 0)
    world.compact("events", { start: nowMs - 24 * HOUR_MS, end: nowMs }, "DAY")
  world.settle()
}

async function scanned(path: string): Promise<number> {
  const times: number[] = []
  const sql = `SELECT channel, sum(added), max("__time"), count(DISTINCT page) FROM events GROUP BY channel`
  for (let n = 0; n < SCANS; n++) times.push(await scanMs(path, sql))
  return median(times)
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function ratio(one: number, other: number): string {
  return `${(one / other).toFixed(2)} ×`
}
