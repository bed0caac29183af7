/**
 * Every fault at the two questions that are asked of a day alone whose core set lacks partitions: how large the set is, and
 * whether Druid answers rows of the day. A fault there leaves the day as it is held: kept where both were answered, else
 * incomplete. `matrix.test.ts` has the places that each pull comes to.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { loadConfig } from "../../src/config/load.ts"
import type { Settings } from "../../src/config/settings.ts"
import { dayRows } from "../pull/support.ts"
import { query } from "../support/conformance/duckdb.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { type FaultProxy, faults, type Kind, startFaultProxy } from "../support/fault-proxy/index.ts"
import { type Outcome, runPull } from "./run.ts"

const PLACES: readonly { name: string; kind: Kind; of: (sql: string) => boolean }[] = [
  { name: "shard specs", kind: "segments", of: (sql) => sql.includes("segment_id IN") },
  { name: "count of the day", kind: "counts", of: () => true },
]
/** A server that refuses connections refuses all that follows, too. A sixth of the faults is for every run of the tests. */
const isWhole = process.env.DRUIDSYNC_FAULTS === "all"
const possibleAt = ({ kind }: (typeof PLACES)[number]) =>
  faults.filter(({ name, at }) => name !== "refused" && (at === undefined || at(kind)))

let fake: FakeDruid
let proxy: FaultProxy
let folder: string
let settings: Settings
const path = (name: string) => join(folder, name)
const pull = (timeoutMs = 20_000): Promise<Outcome> =>
  runPull(settings, path("copy.duckdb"), ["w"], { timeoutMs })

beforeAll(async () => {
  fake = await startFakeDruid()
  for (const day of [1, 2, 3])
    fake.world.overwrite("w", `2020-01-0${day}/2020-01-0${day + 1}`, dayRows(`2020-01-0${day}`, 30), {
      partitions: 3,
    })
  fake.world.settle()
  proxy = await startFaultProxy(fake.url)
  folder = mkdtempSync(join(tmpdir(), "druidsync-broken-"))
  const config = { host: "127.0.0.1", port: proxy.port, datasources: ["w"] }
  writeFileSync(path("config.json"), JSON.stringify(config), { mode: 0o600 })
  settings = await loadConfig(path("config.json"), { env: {}, overrides: {} })
  expect((await pull()).exitCode).toBe(0)
  copyFileSync(path("copy.duckdb"), path("base"))
  for (const partition of [0, 1]) fake.world.dropPartition("w", "2020-01-02/2020-01-03", partition)
  // Once without a fault: the proxy learns the answer to each question.
  expect((await pull()).exitCode).toBe(0)
}, 60_000)
afterAll(async () => {
  await proxy.stop()
  await fake.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** What a pull with the fault, and the next one without it, made of the file; undefined: as it must be. */
async function strike(place: (typeof PLACES)[number], fault: (typeof faults)[number]) {
  copyFileSync(path("base"), path("copy.duckdb"))
  proxy.arm({ fault, ...place, n: 1, mode: "stays" })
  const struck = await pull(fault.name.startsWith("hang") ? 300 : undefined)
  const isHit = proxy.seen.some((one) => one.hit)
  const held = await look()
  await proxy.open()
  proxy.arm()
  const next = await pull()
  const found = { isHit, struck: standing(struck), held: held.rows, after: (await look()).rows, left: left() }
  const isKept = found.struck === "0 kept 30"
  const isLeft = found.struck === "3 kept 0"
  const isRight = isHit && (isKept || isLeft) && held.rows === 90 && standing(next) === "0 kept 30"
  return isRight && found.after === 90 && found.left.length === 0
    ? undefined
    : { fault: fault.name, ...found, said: struck.message }
}

const standing = ({ exitCode, report }: Outcome) => `${exitCode} kept ${report?.datasources[0]?.keptRows}`
const left = () =>
  readdirSync(folder).filter((name) => name.startsWith("copy.duckdb") && name !== "copy.duckdb")
async function look() {
  const [row] = await query(path("copy.duckdb"), "SELECT count(*)::INTEGER AS rows FROM w")
  return row as { rows: number }
}

describe("a fault at a question about a day that lacks partitions", () => {
  for (const [n, place] of PLACES.entries()) {
    it(`loses nothing, and is made up for by the next pull: ${place.name}`, async () => {
      const possible = possibleAt(place)
      const struck = isWhole ? possible : possible.filter((_, i) => i % 6 === n)
      expect(struck.length).toBeGreaterThan(5)
      const wrong = []
      for (const fault of struck) wrong.push((await strike(place, fault)) ?? [])
      expect(wrong.flat()).toEqual([])
    }, 300_000)
  }
})
