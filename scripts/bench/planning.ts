/**
 * How long it takes to decide what to fetch where there are many small chunks: a fake Druid with 2,000 hourly chunks whose
 * every answer comes 20 ms late.
 *
 *     bun scripts/bench/planning.ts [program …]       default: bun src/main.ts
 */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { type FakeDruid, startFakeDruid, waitFor } from "../../test/support/fake-druid/fake-druid.ts"

const CHUNKS = 2_000
const ROWS = 10
const LATE_MS = 20
const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2024, 0, 1)

const given = process.argv.slice(2)
const program = given.length > 0 ? given : [process.execPath, join(import.meta.dirname, "../../src/main.ts")]

interface Pulled {
  readonly seconds: number
  /** from the start of the program to the first rows that were stored; undefined: none were */
  readonly firstSeconds: number | undefined
  readonly requests: number
  readonly rows: number
  readonly exitCode: number
}

const fake = await startFakeDruid()
const folder = mkdtempSync(join(tmpdir(), "druidsync-planning-"))
try {
  fill(fake)
  fake.hooks.beforeRequest = () => waitFor(new Promise((resolve) => setTimeout(resolve, LATE_MS)))
  show("all rows", await pull("all", undefined))
  show("with a filter", await pull("filtered", "\"channel\" = '#en'"))
  show("with a filter, 10 s", await pull("limited", "\"channel\" = '#en'", "--max-duration", "10s"))
  addLate(fake)
  show("one late row in each", await pull("all", undefined))
  show("one late row in each, 10 s", await pull("limited", "\"channel\" = '#en'", "--max-duration", "10s"))
} finally {
  await fake.stop()
  rmSync(folder, { recursive: true, force: true })
}

function fill({ world }: FakeDruid): void {
  const rows = Array.from({ length: CHUNKS * ROWS }, (_, n) => ({
    __time: START_MS + Math.floor((n * HOUR_MS) / ROWS),
    channel: n % 3 === 0 ? "#en" : "#de",
    n,
  }))
  world.append("events", rows, { granularity: "HOUR" })
  world.settle()
}

function addLate({ world }: FakeDruid): void {
  const rows = Array.from({ length: CHUNKS }, (_, n) => ({
    __time: START_MS + n * HOUR_MS + 1,
    channel: "#en",
    n,
  }))
  world.append("events", rows, { granularity: "HOUR" })
  world.settle()
}

async function pull(name: string, filter: string | undefined, ...flags: string[]): Promise<Pulled> {
  const config = join(folder, `${name}.json`)
  const { hostname, port } = new URL(fake.url)
  const events = filter === undefined ? "events" : { name: "events", filter }
  writeFileSync(config, JSON.stringify({ host: hostname, port: Number(port), datasources: [events] }))
  const out = join(folder, `${name}.duckdb`)
  const args = ["pull", "--config", config, "--out", out, "--log-format", "json", ...flags]
  const startMs = performance.now()
  fake.log.clear()
  const child = spawn(program[0]!, [...program.slice(1), ...args], { stdio: ["ignore", "ignore", "pipe"] })
  const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)))
  let firstSeconds: number | undefined
  let rows = 0
  for await (const line of createInterface({ input: child.stderr })) {
    const { event, rows: stored } = JSON.parse(line) as { event: string; rows?: number }
    if (event !== "committed") continue
    firstSeconds ??= (performance.now() - startMs) / 1_000
    rows += stored ?? 0
  }
  const exitCode = await ended
  const seconds = (performance.now() - startMs) / 1_000
  return { seconds, firstSeconds, requests: fake.log.entries.length, rows, exitCode }
}

function show(what: string, { seconds, firstSeconds, requests, rows, exitCode }: Pulled): void {
  const first =
    firstSeconds === undefined ? "nothing stored" : `first rows after ${firstSeconds.toFixed(1)} s`
  console.log(
    `${what.padEnd(28)} ${seconds.toFixed(1).padStart(6)} s, ${first}, ${rows} rows, ${requests} requests, exit ${exitCode}`,
  )
}
