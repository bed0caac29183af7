/** A run that is given a time: nothing new after it, what is under way ends or is cut, and the next run goes on. */
import { describe, expect, it } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { ExitCode } from "../../src/base/errors.ts"
import { GRACE_MS, OUT_OF_TIME, startTimeLimit, type TimeLimit } from "../../src/pull/time-limit.ts"
import { Desk, holding } from "../commands/support.ts"
import { type FakeDruid, waitFor } from "../support/fake-druid/fake-druid.ts"
import { onFake } from "../support/on-fake.ts"
import { Bench, datasource } from "./support.ts"

const SLOW = 30_000
let fake: FakeDruid
let bench: Bench
onFake(Bench, (one, own) => {
  fake = one
  bench = own
  for (const name of ["a", "b"]) {
    for (let day = 1; day <= 4; day++) {
      const rows = Array.from({ length: 10 }, (_, n) => ({ __time: `2024-01-0${day}T0${n}:00`, n }))
      fake.world.append(name, rows)
    }
    fake.world.settle(name)
  }
})

/** A limit on the bench's clock, whose grace ends when the test says so. */
function limitOf(ms: number) {
  const endMs = bench.clock.ms + ms
  const cut = new AbortController()
  const limit: TimeLimit = {
    isOver: () => bench.clock.ms >= endMs,
    leftMs: () => Math.max(0, endMs - bench.clock.ms),
    leftToFinishMs: () => Math.max(0, endMs + GRACE_MS - bench.clock.ms),
    over: new AbortController().signal,
    closing: new AbortController().signal,
    cut: cut.signal,
    stop: () => undefined,
  }
  return { limit, cut: () => cut.abort(new Error("cut")), signal: cut.signal }
}

const SLICES = { sliceRows: 10, concurrency: 1 }
const one = [datasource("a")]

describe("when the time is over", () => {
  it(
    "the slice under way is stored, no other is begun, and the run ends with 3 and says what is left",
    async () => {
      const { limit } = limitOf(60_000)
      fake.hooks.beforeRequest = (kind, n) => {
        if (kind === "scan" && n === 2) bench.clock.ms += 60_000
        return undefined
      }
      const report = await bench.pull(one, { limit, pull: SLICES })
      expect(fake.log.count("scan")).toBe(2)
      expect(report).toMatchObject({ outcome: "incomplete", exitCode: ExitCode.incomplete, rowsFetched: 20 })
      expect(report.datasources[0]!.incomplete).toEqual([
        { interval: "2024-01-03T00:00:00.000Z/2024-01-04T00:00:00.000Z", reason: OUT_OF_TIME },
        { interval: "2024-01-04T00:00:00.000Z/2024-01-05T00:00:00.000Z", reason: OUT_OF_TIME },
      ])
      expect(await bench.query("SELECT status, message FROM file._sync_state")).toEqual([
        ["incomplete", OUT_OF_TIME],
      ])
      fake.hooks = {}
      const next = await bench.pull(one, { pull: SLICES })
      expect(next).toMatchObject({ outcome: "complete", rowsFetched: 20 })
    },
    SLOW,
  )

  it(
    "the copy for readers is left to the next run: exit 3, and the sentence says so",
    async () => {
      const publish = join(bench.folder, "shown.duckdb")
      const { limit, cut } = limitOf(60_000)
      bench.onEvent = (event) => {
        if (event.type === "committed") cut()
      }
      const report = await bench.pull(one, { limit, publish })
      expect(report).toMatchObject({ outcome: "complete", exitCode: ExitCode.incomplete })
      const message = `no copy could be published at ${publish}: the time given (--max-duration) was over`
      expect(report.publish).toMatchObject({ outcome: "failed", error: { code: "publish", message } })
      expect(existsSync(publish)).toBe(false)
      const next = await bench.pull(one, { publish })
      expect(next).toMatchObject({ exitCode: 0, rowsFetched: 0, publish: { outcome: "published" } })
    },
    SLOW,
  )

  it(
    "before anything was looked at: every datasource is incomplete, and nothing is fetched",
    async () => {
      const { limit } = limitOf(0)
      const report = await bench.pull([datasource("a"), datasource("b")], { limit })
      expect(fake.log.count("scan")).toBe(0)
      expect(report.exitCode).toBe(ExitCode.incomplete)
      expect(report.datasources.map((each) => each.incomplete)).toEqual([
        [{ interval: "", reason: OUT_OF_TIME }],
        [{ interval: "", reason: OUT_OF_TIME }],
      ])
    },
    SLOW,
  )

  it(
    "just after the last slice: nothing is left, so the run is complete",
    async () => {
      const { limit } = limitOf(60_000)
      fake.hooks.afterRequest = (request) => {
        if (request.kind === "scan" && fake.log.count("scan") === 4) bench.clock.ms += 60_000
      }
      const report = await bench.pull(one, { limit, pull: SLICES })
      expect(report).toMatchObject({ outcome: "complete", exitCode: 0, rowsFetched: 40 })
    },
    SLOW,
  )

  it(
    "the wait for segments that are being loaded ends with it",
    async () => {
      fake.world.setAvailable("a", "2024-01-02/2024-01-03", false)
      const { limit } = limitOf(3_000)
      const report = await bench.pull(one, { limit, settleWaitMs: 600_000 })
      expect(report.exitCode).toBe(ExitCode.incomplete)
      expect(bench.clock.slept.reduce((sum, ms) => sum + ms, 0)).toBe(3_000)
      expect(report.datasources[0]!.incomplete[0]!.reason).toContain("served by no historical now")
    },
    SLOW,
  )

  it(
    "a slice that does not come to its end is cut off with its datasource; what was stored stays",
    async () => {
      const { limit, cut, signal } = limitOf(60_000)
      fake.hooks.beforeRequest = (kind, n) => {
        if (kind !== "scan" || n < 3) return undefined
        bench.clock.ms += 90_000
        setImmediate(cut)
        return waitFor(new Promise(() => {}))
      }
      // Each slice is stored at once.
      const report = await bench.pull(one, { limit, signal, pull: { ...SLICES, sliceRows: 1 } })
      expect(report).toMatchObject({ outcome: "incomplete", exitCode: ExitCode.incomplete })
      expect(report.datasources[0]!.error).toBeUndefined()
      expect(report.datasources[0]!.incomplete).toContainEqual({ interval: "", reason: OUT_OF_TIME })
      fake.hooks = {}
      const next = await bench.pull(one, { pull: SLICES })
      expect(next.outcome).toBe("complete")
      expect(report.rowsFetched + next.rowsFetched).toBe(40)
    },
    SLOW,
  )

  it(
    "an interruption in the time to finish is an interruption",
    async () => {
      const { limit, signal } = limitOf(60_000)
      const interruption = new AbortController()
      fake.hooks.beforeRequest = (kind) => {
        if (kind !== "scan") return undefined
        bench.clock.ms += 60_000
        setImmediate(() => interruption.abort(new Error("interrupted")))
        return waitFor(new Promise(() => {}))
      }
      const both = AbortSignal.any([signal, interruption.signal])
      const report = await bench.pull(one, { limit, signal: both, pull: SLICES })
      expect(report).toMatchObject({ outcome: "interrupted", exitCode: ExitCode.interrupted })
    },
    SLOW,
  )
})

describe("the clock of a run", () => {
  it("ends what begins more with the time, then rows, then everything within the grace, unless it was stopped", async () => {
    for (const isStopped of [false, true]) {
      const woken = Promise.withResolvers<void>()
      const slept: number[] = []
      const limit = startTimeLimit(
        {
          nowMs: () => 1_000,
          sleep: async (ms, signal) => {
            slept.push(ms)
            await woken.promise
            signal?.throwIfAborted()
          },
        },
        5_000,
      )
      expect([limit.isOver(), limit.leftMs()]).toEqual([false, 5_000])
      if (isStopped) limit.stop()
      woken.resolve()
      await new Promise((done) => setImmediate(done))
      const [over, closing, cut] = slept as [number, number, number]
      expect(over).toBe(5_000)
      expect(closing).toBeGreaterThan(over)
      expect(cut).toBeGreaterThan(closing)
      expect(cut).toBeLessThan(5_000 + GRACE_MS)
      const aborted = [limit.over, limit.closing, limit.cut].map((signal) => signal.aborted)
      expect(aborted).toEqual([!isStopped, !isStopped, !isStopped])
    }
  })
})

describe("pull --max-duration", () => {
  /** A clock that only the test moves; the end of the grace is when `cut` is called. */
  function handClock(limitMs: number) {
    const cut = Promise.withResolvers<void>()
    const clock = {
      ms: Date.UTC(2026, 0, 1),
      nowMs: () => clock.ms,
      sleep: async (ms: number, signal?: AbortSignal) => {
        signal?.throwIfAborted()
        if (ms >= limitMs && ms <= limitMs + GRACE_MS) return cut.promise
        clock.ms += ms
        await new Promise<void>((done) => setImmediate(done))
        signal?.throwIfAborted()
      },
    }
    return { clock, cut: () => cut.resolve() }
  }

  it(
    "ends a pull that hangs: exit 3, the reason on stderr, nothing left behind",
    async () => {
      const desk = await Desk.open()
      try {
        await desk.configure(fake, ["a"], { sliceRows: 10, concurrency: 1, maxDuration: "10m" })
        const { clock, cut } = handClock(600_000)
        fake.hooks.beforeRequest = (kind) => {
          if (kind !== "scan") return undefined
          clock.ms += 630_000
          cut()
          return waitFor(new Promise(() => {}))
        }
        const ran = await desk.run("pull -c $c -o $out", {}, { clock })
        expect(ran.code).toBe(3)
        expect(ran.stderr).toContain(`a: INCOMPLETE: ${OUT_OF_TIME}`)
        fake.hooks = {}
        await desk.configure(fake, ["a"])
        expect((await desk.run("pull -c $c -o $out")).code).toBe(0)
        expect(desk.exists("a.duckdb.druidsync")).toBe(false)
      } finally {
        await desk.close()
      }
    },
    SLOW,
  )

  it(
    "waits for a lock no longer than that: exit 11",
    async () => {
      const desk = await Desk.open()
      await desk.configure(fake, ["a"])
      expect((await desk.run("pull -c $c -o $out")).code).toBe(0)
      const other = await holding(desk.out)
      try {
        const { clock } = handClock(2_000)
        const before = clock.ms
        const ran = await desk.run("pull -c $c -o $out --lock-wait 1h --max-duration 2s", {}, { clock })
        expect(ran.code).toBe(11)
        expect(ran.stderr).toContain(other.name)
        expect(clock.ms - before).toBeLessThan(60_000)
      } finally {
        await other.letGo()
        await desk.close()
      }
    },
    SLOW,
  )
})
