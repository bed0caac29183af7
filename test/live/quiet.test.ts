/**
 * What a pull costs that finds nothing new on a real Druid: one or two requests, however many datasources there are,
 * and no row. Requests are counted by a proxy between the two.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { type Druid, ingest, markUnused } from "../../scripts/druid/index.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { bunSource, executable } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { FaultProxy } from "../support/fault-proxy/index.ts"
import { liveDruid, tag } from "./support.ts"

const DATASOURCES = Array.from({ length: 10 }, (_, n) => `quiet ${n} ${tag}`)
const MANY = `quiet with many segments ${tag}`
const SEGMENTS = Number(process.env.DRUIDSYNC_LIVE_SEGMENTS ?? 200)

let druid: Druid
let proxy: FaultProxy
let stage: Stage

beforeAll(async () => {
  druid = await liveDruid()
  await Promise.all([
    ...DATASOURCES.map((datasource, n) =>
      ingest(druid, { datasource, rows: hourly(3 + n), dimensions: ["k"] }),
    ),
    ingest(druid, {
      datasource: MANY,
      rows: hourly(SEGMENTS),
      dimensions: ["k"],
      segmentGranularity: "HOUR",
    }),
  ])
  proxy = new FaultProxy(druid.routerUrl)
  await proxy.open()
  const runner = process.env.DRUIDSYNC_LIVE_RUNNER === "sources" ? bunSource() : executable()
  stage = new Stage(liveWorld(druid, tag), runner)
}, 600_000)
afterAll(async () => {
  stage?.close()
  await proxy?.stop()
  await Promise.all([...DATASOURCES, MANY].map((name) => markUnused(druid, name).catch(() => undefined)))
}, 60_000)

function hourly(count: number): object[] {
  const start = Date.UTC(2024, 0, 1)
  return Array.from({ length: count }, (_, n) => ({ __time: start + n * 3_600_000, k: `k${n % 7}` }))
}

/** Copies, then pulls once more and tells what that took. */
async function quietPull(datasources: readonly string[]) {
  stage.config(datasources, { port: proxy.port })
  await stage.pullExactly()
  proxy.arm()
  const started = performance.now()
  const pulled = await stage.pull()
  const seconds = (performance.now() - started) / 1000
  expect({ exitCode: pulled.exitCode, rows: pulled.rows }).toEqual({ exitCode: 0, rows: 0 })
  expect(pulled.report.requests).toBe(proxy.seen.length)
  console.error(
    `quiet.test.ts: ${datasources.length} datasources: ${proxy.seen.map(({ kind }) => kind).join(", ")}, ${seconds.toFixed(2)} s`,
  )
  return { requests: proxy.seen.length, kinds: new Set(proxy.seen.map(({ kind }) => kind)), seconds }
}

describe("a pull with nothing new", () => {
  it("asks once or twice for ten datasources, and fetches no row", async () => {
    const { requests, kinds, seconds } = await quietPull(DATASOURCES)
    expect(requests).toBeWithin(1, 3)
    expect([...kinds].filter((kind) => kind !== "segments" && kind !== "columns")).toEqual([])
    expect(seconds).toBeLessThan(20)
  }, 240_000)

  it(`asks once or twice for a datasource of ${SEGMENTS} segments, and fetches no row`, async () => {
    const { requests, kinds, seconds } = await quietPull([MANY])
    expect(requests).toBeWithin(1, 3)
    expect([...kinds].filter((kind) => kind !== "segments" && kind !== "columns")).toEqual([])
    expect(seconds).toBeLessThan(20)
  }, 240_000)
})
