/**
 * Streaming ingestion from a real Kafka: rows are copied while their task still reads, marked provisional, and settled
 * once they are handed off, also where rollup merges them then under the same segment id. Whatever moment of a hand-off
 * a pull meets, exit 0 means that nothing is missing and nothing is there twice.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import {
  countRows,
  type Druid,
  handOffNow,
  markUnused,
  openProducer,
  type Producer,
  type SupervisorOptions,
  startSupervisor,
  suspendSupervisor,
  terminateSupervisor,
  waitPublished,
  waitRows,
  waitSettled,
} from "../../scripts/druid/index.ts"
import { query } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { bunSource, executable } from "../support/conformance/runner.ts"
import { type Pulled, Stage } from "../support/conformance/stage.ts"
import { liveDruid, tag } from "./support.ts"

const DIMENSIONS = [
  { type: "string", name: "k" },
  { type: "long", name: "v" },
]
const STORY_MS = 240_000

let druid: Druid
const streams: Stream[] = []

beforeAll(async () => {
  druid = await liveDruid()
})
afterAll(async () => {
  await Promise.all(streams.map((stream) => stream.end()))
}, STORY_MS)

/** A topic, the supervisor that reads it into a datasource of the same name, and a copy of that. */
class Stream {
  readonly name: string
  readonly stage: Stage
  readonly #producer: Producer
  #supervisor: string | undefined
  #sent = 0

  constructor(base: string, datasource: Record<string, unknown> = {}) {
    this.name = `kafka-${base}-${tag}`
    const runner = process.env.DRUIDSYNC_LIVE_RUNNER === "sources" ? bunSource() : executable()
    this.stage = new Stage(liveWorld(druid, tag), runner)
    this.stage.config([{ name: this.name, table: "t", ...datasource }])
    this.#producer = openProducer(druid, this.name)
    streams.push(this)
  }

  /** The supervisor reads from the topic's beginning: it needs a first row to be there. */
  async begin(options: Partial<SupervisorOptions> = {}): Promise<void> {
    const settings = { segmentGranularity: "HOUR", dimensions: DIMENSIONS, ...options } as const
    this.#supervisor = await startSupervisor(druid, { datasource: this.name, topic: this.name, ...settings })
  }

  async send(rows: readonly object[]): Promise<void> {
    await this.#producer.send(rows)
    this.#sent += rows.length
  }

  /** Until Druid answers every row that was sent, before rollup merges any. */
  arrived(): Promise<void> {
    return waitRows(druid, this.name, this.#sent, 120_000)
  }

  handOff(): Promise<void> {
    return handOffNow(druid, this.#supervisor!)
  }

  suspend(): Promise<void> {
    return suspendSupervisor(druid, this.#supervisor!)
  }

  /** Until historicals serve all of it, and `sys.segments` has their counts. */
  async settled(): Promise<void> {
    await waitPublished(druid, this.name)
    await waitSettled(druid, this.name)
  }

  /** Pulls without a break until all is handed off. Each must be honest, and hold all or say what it lacks. */
  async pullUntilSettled(expectWhole: () => Promise<void>): Promise<void> {
    let isOver = false
    const settled = this.settled().finally(() => {
      isOver = true
    })
    // Its failure is told below; until then it must not pass for one that nobody waits for.
    settled.catch(() => undefined)
    while (!isOver) {
      const { exitCode, stderr } = await this.stage.pull("--settle-wait", "1s")
      expect([0, 3], stderr).toContain(exitCode as number)
      await this.stage.expectTruthfulState(this.name)
      if (exitCode === 0) await expectWhole()
    }
    await settled
  }

  /** Checkpoints as `state rows`, the oldest first. */
  async parts(): Promise<string[]> {
    const sql = "SELECT state || ' ' || rows AS part FROM _sync_chunks ORDER BY start_ms"
    return (await query(this.stage.out, sql)).map((row) => String(row.part))
  }

  /**
   * Pulls until the checkpoints are these: Druid calls a stretch realtime until the task that handed it off has ended,
   * which may be seconds after a historical serves it.
   */
  async pullUntil(expected: readonly string[]): Promise<void> {
    for (let n = 0; n < MOST_PULLS; n++) {
      const { exitCode, stderr } = await this.stage.pull("--settle-wait", "2s")
      expect([0, 3], stderr).toContain(exitCode as number)
      if (JSON.stringify(await this.parts()) === JSON.stringify(expected)) break
    }
    expect(await this.parts()).toEqual([...expected])
  }

  async total(column: string): Promise<number> {
    const [row] = await query(this.stage.out, `SELECT sum(${column})::INTEGER AS total FROM t`)
    return Number(row!.total)
  }

  async end(): Promise<void> {
    this.stage.close()
    await this.#producer.close()
    if (this.#supervisor === undefined) return
    await terminateSupervisor(druid, this.#supervisor)
    await markUnused(druid, this.name)
  }
}

/** Each takes half a second or more. */
const MOST_PULLS = 80

/** `count` rows of an hour of 2024-01-01, no two alike. */
function rowsOf(hour: number, count: number, from = 0): object[] {
  const start = Date.UTC(2024, 0, 1, hour)
  return Array.from({ length: count }, (_, n) => ({
    __time: new Date(start + (from + n) * 1_000).toISOString(),
    k: (from + n) % 3 === 0 ? null : `k${n % 5}`,
    v: hour * 1_000 + from + n,
  }))
}

const live = ({ report }: Pulled) => report.datasources[0]!.provisionalRows

describe("a stream from a real Kafka", () => {
  it.concurrent(
    "comes at once as provisional, grows, is settled by hand-off, and takes late rows after it",
    async () => {
      const stream = new Stream("plain")
      const { stage } = stream
      await stream.send(rowsOf(0, 10))
      await stream.begin()
      await stream.arrived()
      const first = await stage.pullExactly()
      expect([first.exitCode, first.rows, live(first)]).toEqual([0, 10, 10])
      expect(await stream.parts()).toEqual(["provisional 10"])

      await stream.send([...rowsOf(0, 5, 10), ...rowsOf(1, 7)])
      await stream.arrived()
      const grown = await stage.pullExactly()
      expect([grown.exitCode, live(grown)]).toEqual([0, 22])
      expect(await stream.parts()).toEqual(["provisional 15", "provisional 7"])

      await stream.handOff()
      await stream.pullUntilSettled(() => stage.expectEqual({ name: stream.name, table: "t" }))
      await stream.pullUntil(["complete 15", "complete 7"])
      expect(live(await stage.pullExactly())).toBe(0)
      expect((await stage.pullExactly()).rows).toBe(0)

      // The next task reads on: late rows for an hour that was handed off, and a new hour.
      await stream.send([...rowsOf(0, 3, 50), ...rowsOf(2, 4)])
      await stream.arrived()
      const late = await stage.pullExactly()
      expect(live(late)).toBeGreaterThanOrEqual(7)
      await stream.suspend()
      await stream.settled()
      await stream.pullUntil(["complete 18", "complete 7", "complete 4"])
      expect((await stage.pullExactly()).rows).toBe(0)
    },
    STORY_MS,
  )

  it.concurrent(
    "that rolls up is followed exactly when its rows merge under one segment id: 12 become 3",
    async () => {
      const stream = new Stream("rollup")
      const { stage } = stream
      const three = (round: number) =>
        ["a", "b", null].map((k, n) => ({
          __time: new Date(Date.UTC(2024, 0, 1, 5, 0, 3 * round + n)).toISOString(),
          k,
          v: 3 * round + n,
        }))
      await stream.send(three(0))
      await stream.begin({
        rollup: true,
        queryGranularity: "HOUR",
        dimensions: ["k"],
        metrics: [
          { type: "count", name: "cnt" },
          { type: "longSum", name: "v", fieldName: "v" },
        ],
        // What arrives at a time is persisted by itself: until hand-off merges them, rows of several rounds stay
        // apart. (`maxRowsInMemory` does nothing here: the indexer process overrides it.)
        tuning: { intermediatePersistPeriod: "PT0.001S" },
      })
      await stream.arrived()
      for (const round of [1, 2, 3]) {
        await stream.send(three(round))
        await stream.arrived()
      }
      const first = await stage.pullExactly()
      expect([first.rows, live(first)]).toEqual([12, 12])
      expect(await stream.parts()).toEqual(["provisional 12"])

      await stream.handOff()
      await stream.pullUntilSettled(async () => {
        expect([await stream.total("cnt"), await stream.total("v")]).toEqual([12, 66])
      })
      await stream.pullUntil(["complete 3"])
      expect(live(await stage.pullExactly())).toBe(0)
      expect(await countRows(druid, stream.name)).toBe(3)
      expect([await stream.total("cnt"), await stream.total("v")]).toEqual([12, 66])
      expect((await stage.pullExactly()).rows).toBe(0)
    },
    STORY_MS,
  )

  it.concurrent(
    'is left out with realtime: "exclude" until it is handed off',
    async () => {
      const stream = new Stream("excluded", { realtime: "exclude" })
      const { stage } = stream
      await stream.send(rowsOf(0, 10))
      await stream.begin()
      await stream.arrived()
      const before = await stage.pull()
      expect([before.exitCode, before.rows, live(before)]).toEqual([0, 0, 0])
      expect(await stream.parts()).toEqual([])
      expect(await query(stage.out, "SELECT k, v FROM t")).toEqual([])

      await stream.handOff()
      await stream.settled()
      await stream.pullUntil(["complete 10"])
      expect((await stage.pullExactly()).rows).toBe(0)

      // Rows of another hour: what is handed off stays, they are left out.
      await stream.send(rowsOf(1, 6))
      await stream.arrived()
      const beside = await stage.pull()
      expect([beside.exitCode, beside.rows, live(beside)]).toEqual([0, 0, 0])
      expect(await stream.total("1")).toBe(10)
      await stream.suspend()
      await stream.settled()
      await stream.pullUntil(["complete 10", "complete 6"])
      expect((await stage.pullExactly()).rows).toBe(0)
    },
    STORY_MS,
  )
})
