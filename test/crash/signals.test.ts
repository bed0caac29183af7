/**
 * Signals and random kills of the program from its sources, on the fake. What one signal leaves (nothing) is also in
 * `test/scenarios/stopped.test.ts`; here is what makes it hard: a Druid that answers nothing any more, a cancel that goes
 * wrong, a second signal, and SIGKILL at random moments under load.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { existsSync, readdirSync, rmSync } from "node:fs"
import { setTimeout as delay } from "node:timers/promises"
import { Random } from "../../scripts/druid/datasets/random.ts"
import { query } from "../support/conformance/duckdb.ts"
import { bunSource, inProcess } from "../support/conformance/runner.ts"
import { type FakeDruid, hang, startFakeDruid, waitFor } from "../support/fake-druid/fake-druid.ts"
import { type FaultProxy, faults, startFaultProxy } from "../support/fault-proxy/index.ts"
import { Desk, fill, filled, fingerprint } from "./support.ts"

const KILLS = Number(process.env.DRUIDSYNC_KILLS ?? 12)
const SEED = Number(process.env.DRUIDSYNC_SEED ?? Date.now() % 1_000_000)
const DAYS = 6
const PER_DAY = 10_000

let fake: FakeDruid
let proxy: FaultProxy
let desk: Desk
let out: string

beforeAll(async () => {
  fake = await startFakeDruid()
  proxy = await startFaultProxy(fake.url)
})
afterAll(async () => {
  await proxy.stop()
  await fake.stop()
})
beforeEach(async () => {
  fake.reset()
  await proxy.open()
  proxy.arm()
  fill(fake, "w", DAYS, PER_DAY)
  desk = new Desk()
  desk.config(proxy.port, ["w"], { sliceRows: PER_DAY, concurrency: 2 })
  out = desk.path("copy.duckdb")
})
afterEach(() => desk.close())

async function completes(): Promise<void> {
  fake.hooks = {}
  proxy.arm()
  const { exitCode, stderr } = await inProcess().run(desk.args(out))
  expect([exitCode, stderr]).toEqual([0, expect.any(String)])
  expect(await fingerprint(out, "w")).toBe(filled(DAYS, PER_DAY))
  expect(readdirSync(desk.folder).sort()).toEqual(["config.json", "copy.duckdb"])
}

/** Resolves when the nth scan has come in; it sends some rows and then hangs. */
function scanHangs(nth: number): Promise<void> {
  const arrived = Promise.withResolvers<void>()
  fake.hooks.beforeRequest = (kind, n) => {
    if (kind !== "scan" || n < nth) return undefined
    arrived.resolve()
    return hang({ rows: 500 })
  }
  return arrived.promise
}

describe("one signal", () => {
  for (const fault of faults.filter(({ at }) => at === undefined || at("cancel"))) {
    it(`is obeyed when the cancel of the query meets: ${fault.name}`, async () => {
      const arrived = scanHangs(2)
      proxy.arm({ fault, kind: "cancel", n: 1, mode: "stays" })
      const running = inProcess().start(desk.args(out))
      await arrived
      running.kill("SIGINT")
      const { exitCode, stderr } = await running.result
      expect(exitCode).toBe(130)
      expect(stderr).not.toContain("this is a bug")
      expect(proxy.seen.some((request) => request.hit)).toBe(true)
      // The closed connection still has to come through the proxy.
      while (!fake.log.of("scan").at(-1)!.clientClosed) await delay(5)
      await proxy.open()
      await completes()
    }, 60_000)
  }
})

describe("two signals", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`${signal} twice ends it at once, though Druid answers nothing, and the next run tidies up`, async () => {
      const arrived = scanHangs(2)
      const cancelled = Promise.withResolvers<void>()
      const scans = fake.hooks.beforeRequest!
      fake.hooks.beforeRequest = (kind, n, request, site) => {
        if (kind !== "cancel") return scans(kind, n, request, site)
        cancelled.resolve()
        return waitFor(new Promise(() => {}))
      }
      const running = bunSource().start(desk.args(out))
      await arrived
      running.kill(signal)
      await cancelled.promise
      const killedMs = performance.now()
      running.kill(signal)
      const { exitCode } = await running.result
      expect(exitCode).toBe(130)
      // The cancel alone would be waited for 2 s.
      expect(performance.now() - killedMs).toBeLessThan(1_800)
      if (existsSync(out)) await query(out, "SELECT 1")
      await completes()
    }, 60_000)
  }
})

describe("SIGKILL", () => {
  it(`at ${KILLS} random moments (DRUIDSYNC_SEED=${SEED}): the file opens, and the next pull is complete`, async () => {
    const random = new Random(SEED)
    const startedMs = performance.now()
    await completes()
    const wholeMs = performance.now() - startedMs
    rmSync(out)
    let killed = 0
    for (let n = 0; n < KILLS; n++) {
      const running = bunSource().start(desk.args(out))
      await Promise.race([delay(random.float() * (wholeMs + 600)), running.result])
      running.kill("SIGKILL")
      const { exitCode } = await running.result
      if (exitCode === null) killed++
      else expect(exitCode).toBe(0)
      if (existsSync(out)) {
        const tables = await query(out, "SELECT table_name FROM duckdb_tables() WHERE table_name = 'w'")
        if (tables.length > 0) {
          const [row] = await query(
            out,
            "SELECT (SELECT count(*) FROM w) = (SELECT sum(rows) FROM _sync_chunks) AS agrees, (SELECT count(DISTINCT n) = count(*) FROM w) AS once",
          )
          expect(row).toEqual({ agrees: true, once: true })
        }
      }
      if (n % 4 === 3 || exitCode === 0) {
        await completes()
        rmSync(out)
      }
    }
    await completes()
    expect(killed).toBeGreaterThan(0)
  }, 600_000)
})
