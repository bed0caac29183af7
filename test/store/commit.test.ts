import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { rm } from "node:fs/promises"
import fc from "fast-check"
import type { Column, Interval, Part, PartState } from "../../src/base/domain.ts"
import { DruidsyncError } from "../../src/base/errors.ts"
import type { Engine } from "../../src/store/engine.ts"
import { recordRun } from "../../src/store/notes/history.ts"
import {
  commit,
  type DatasourceCommit,
  type ReadySlice,
  type Replacing,
} from "../../src/store/rows/commit.ts"
import { commitApart } from "../../src/store/rows/commit-apart.ts"
import { span } from "../plan/support.ts"
import { stateWithParts } from "../support/state-with-parts.ts"
import { column, Store } from "./support.ts"

const SLOW = 120_000
const RUN = { id: "run-1", nowMs: 1_700_000_000_000 }
const COLUMNS: Column[] = [column("__time", "LONG"), column("id", "LONG")]

let store: Store
let staged = 0
beforeAll(async () => {
  store = await Store.open()
})
afterAll(() => store.close())
beforeEach(() => rm(store.path, { force: true }))
afterEach(() => rm(store.path, { force: true }))

type Row = readonly [ms: number, id: number]

/** A staged slice: rows put into a staging table of the engine, checkpoints counted as `stage` would. */
async function slice(
  intervals: readonly Interval[],
  rows: readonly Row[],
  segments: string,
  given: { state?: PartState; replacing?: readonly Replacing[]; columns?: Column[] } = {},
): Promise<ReadySlice> {
  const table = `stage_${++staged}`
  await store.engine.run(`CREATE TABLE ${table} ("__time" TIMESTAMP, id BIGINT)`)
  if (rows.length > 0) {
    const values = rows.map(([ms, id]) => `(epoch_ms(${ms}::BIGINT), ${id})`).join(", ")
    await store.engine.run(`INSERT INTO ${table} VALUES ${values}`)
  }
  const inside = ({ start, end }: Interval) => rows.filter(([ms]) => start <= ms && ms < end).length
  return {
    staged: {
      table,
      rows: rows.length,
      latestMs: rows.length === 0 ? undefined : BigInt(Math.max(...rows.map(([ms]) => ms))),
      counts: intervals.map(inside),
      suspects: [],
      perSegment: [],
      source: { rows: rows.length, counts: intervals.map(inside) },
    },
    columns: given.columns ?? COLUMNS,
    parts: intervals.map((interval) => ({
      interval,
      segments,
      rows: inside(interval),
      state: given.state ?? "complete",
      settings: "s",
    })),
    replacing: given.replacing ?? [],
    bytes: 100,
  }
}

function of(given: Partial<DatasourceCommit>, datasource = "w", table = "w"): DatasourceCommit {
  const schema = COLUMNS.map(({ name, target, druidType, duckdbType }) => ({
    name,
    target,
    druidType,
    duckdbType,
  }))
  return {
    target: { datasource, table, settings: "s", schema },
    slices: [],
    refreshed: [],
    keep: [],
    remove: [],
    ...given,
  }
}

const run = (commits: readonly DatasourceCommit[], engine: Engine = store.engine) =>
  commit(engine, store.file(), commits, RUN)

/** Everything that the file says, in a form that can be compared. */
async function look() {
  const file = store.file()
  const state = await stateWithParts(store.engine, file)
  const rows = state.tables.includes("w")
    ? await file.read(() => store.engine.rows('SELECT epoch_ms("__time"), id FROM file.w ORDER BY ALL'))
    : []
  const one = state.held.get("w")
  return {
    rows: rows.map(([ms, id]) => `${ms}:${id}`),
    parts: (one?.parts ?? []).map(
      (p) => `${p.interval.start}-${p.interval.end} ${p.segments} ${p.state} ${p.rows}`,
    ),
    cursor: one?.cursorMs,
    total: one?.rows,
    tables: [...state.tables].sort(),
  }
}

describe("commits of several datasources", () => {
  const both = async () => [
    of({ slices: [await slice([span(0, 10)], [[0, 1]], "a")] }),
    of({ slices: [await slice([span(0, 10)], [[5, 2]], "a")] }, "x", "x"),
  ]
  /** An engine on which inserting into `w` fails. */
  const failing = (text: string, statement = 'INSERT INTO file."w"'): Engine => ({
    ...store.engine,
    run: (sql, values) =>
      sql.startsWith(statement) ? Promise.reject(new Error(text)) : store.engine.run(sql, values),
  })

  it("go on without the one whose memory does not suffice, which says what gives more", async () => {
    const engine = failing("Out of Memory Error: could not allocate block of size 256.0 KiB")
    const [w, x] = await commitApart(engine, store.file(), await both(), RUN)
    expect(w!.error).toMatchObject({ code: "file", scope: "datasource" })
    expect(w!.error!.message).toContain('the memory limit is too low to store rows of "w"')
    expect(w!.error!.hint).toContain("--memory-limit")
    expect(x).toEqual({ deleted: 0, widened: [] })
    expect((await look()).tables).not.toContain("w")
    expect((await look()).tables).toContain("x")
  })

  it("say the same where memory does not suffice to give a column another type", async () => {
    await run([of({ slices: [await slice([span(0, 10)], [[0, 1]], "a")] })])
    const given = of({ slices: [await slice([span(0, 10)], [[0, 2]], "b")] })
    const schema = given.target.schema.map((one) =>
      one.name === "id" ? { ...one, duckdbType: "DOUBLE" } : one,
    )
    const engine = failing("Out of Memory Error: failed to offload data block", 'ALTER TABLE file."w" ALTER')
    const retyped = { ...given, target: { ...given.target, schema } }
    const [w] = await commitApart(engine, store.file(), [retyped], RUN)
    expect(w!.error!.message).toContain('the memory limit is too low to store rows of "w"')
    expect((await look()).rows).toEqual(["0:1"])
  })

  it("stop all where it is the disk", async () => {
    const engine = failing("IO Error: Could not write file: No space left on device")
    const error = await commitApart(engine, store.file(), await both(), RUN).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: "disk-full", scope: "run" })
  })
})

describe("a commit", () => {
  it("brings rows, checkpoint, cursor and sum together", async () => {
    await run([
      of({
        slices: [
          await slice(
            [span(0, 10), span(10, 20)],
            [
              [0, 1],
              [9, 2],
              [9, 2],
              [15, 3],
            ],
            "A",
          ),
        ],
      }),
    ])
    expect(await look()).toMatchObject({
      rows: ["0:1", "9:2", "9:2", "15:3"],
      parts: ["0-10 A complete 3", "10-20 A complete 1"],
      cursor: 15n,
      total: 4,
    })
  })

  it("cuts a checkpoint that stands out on both sides, and counts what is left of it", async () => {
    const rows = Array.from({ length: 30 }, (_, n): Row => [n, n])
    await run([of({ slices: [await slice([span(0, 30)], rows, "A")] })])
    await run([of({ slices: [await slice([span(10, 20)], [[12, 99]], "B")] })])
    expect((await look()).parts).toEqual(["0-10 A complete 10", "10-20 B complete 1", "20-30 A complete 10"])
    expect((await look()).total).toBe(21)
  })

  it("takes the cursor back when the newest rows go", async () => {
    await run([
      of({
        slices: [await slice([span(0, 10)], [[1, 1]], "A"), await slice([span(10, 20)], [[15, 2]], "A")],
      }),
    ])
    await run([of({ remove: [span(10, 20)] })])
    expect(await look()).toMatchObject({ cursor: 1n, total: 1, parts: ["0-10 A complete 1"] })
    await run([of({ slices: [await slice([span(0, 10)], [], "B")] })])
    expect(await look()).toMatchObject({ cursor: undefined, total: 0, parts: ["0-10 B complete 0"] })
  })

  it("marks the rest of a chunk stale while it is replaced, but not what this replacement brought", async () => {
    await run([
      of({
        slices: [
          await slice(
            [span(0, 30)],
            [
              [5, 1],
              [15, 2],
              [25, 3],
            ],
            "A",
          ),
        ],
      }),
    ])
    const replacing = [{ interval: span(0, 30), segments: "B" }]
    await run([of({ slices: [await slice([span(0, 10)], [[5, 11]], "B", { replacing })] })])
    expect((await look()).parts).toEqual(["0-10 B complete 1", "10-30 A stale 2"])
    await run([of({ slices: [await slice([span(20, 30)], [[25, 13]], "B", { replacing })] })])
    expect((await look()).parts).toEqual(["0-10 B complete 1", "10-20 A stale 1", "20-30 B complete 1"])
    await run([of({ slices: [await slice([span(10, 20)], [[15, 12]], "B", { replacing })] })])
    expect((await look()).parts.every((part) => part.includes("B complete"))).toBe(true)
  })

  it("marks what Druid dropped as kept, and forgets stretches without rows", async () => {
    await run([of({ slices: [await slice([span(0, 10), span(10, 20)], [[5, 1]], "A")] })])
    await run([of({ keep: [span(0, 20)] })])
    expect((await look()).parts).toEqual(["0-10 A kept 1"])
  })

  it("of several datasources is one: all of them or none", async () => {
    await store.file().write(async () => {
      await store.engine.run("CREATE TABLE file.x AS SELECT 1 AS mine")
    })
    const both = [
      of({ slices: [await slice([span(0, 10)], [[5, 1]], "A")] }),
      of({ slices: [await slice([span(0, 10)], [[5, 1]], "A")] }, "x", "x"),
    ]
    const error = await run(both).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(DruidsyncError)
    expect(error.code).toBe("foreign")
    expect((await look()).tables).toEqual(["x"])
  })
})

describe("what a commit of several datasources says of each", () => {
  const states = async () =>
    [...(await stateWithParts(store.engine, store.file())).held.values()].map(
      ({ datasource, table, cursorMs, rows, columns, parts }) => ({
        datasource,
        table,
        cursorMs,
        rows,
        columns: columns.length,
        parts: parts.length,
      }),
    )

  it("are its own rows, cursor, columns and checkpoints, whether its table was there or not", async () => {
    await run([
      of({
        slices: [
          await slice(
            [span(0, 10)],
            [
              [3, 1],
              [7, 2],
            ],
            "a",
          ),
        ],
      }),
      of({}, "empty", "empty"),
    ])
    await run([
      of({ slices: [await slice([span(10, 20)], [[12, 3]], "a"), await slice([span(20, 30)], [], "a")] }),
      of({ remove: [span(0, 10)] }, "empty", "empty"),
      of(
        { slices: [await slice([span(0, 5)], [[4, 4]], "a"), await slice([span(5, 9)], [[6, 5]], "a")] },
        "new",
        "n",
      ),
    ])
    const has = { columns: COLUMNS.length }
    expect(await states()).toEqual([
      { ...has, datasource: "empty", table: "empty", cursorMs: undefined, rows: 0, parts: 0 },
      { ...has, datasource: "new", table: "n", cursorMs: 6n, rows: 2, parts: 2 },
      { ...has, datasource: "w", table: "w", cursorMs: 12n, rows: 3, parts: 3 },
    ])
  })

  it("is as before where nothing of it changed, and goes back where its newest rows went", async () => {
    await run([
      of({
        slices: [await slice([span(0, 10)], [[3, 1]], "a"), await slice([span(10, 20)], [[15, 2]], "a")],
      }),
      of({ slices: [await slice([span(0, 10)], [[9, 1]], "a")] }, "x", "x"),
    ])
    await run([of({ remove: [span(10, 20)] }), of({}, "x", "x")])
    expect(await states()).toMatchObject([
      { datasource: "w", cursorMs: 3n, rows: 1, parts: 1 },
      { datasource: "x", cursorMs: 9n, rows: 1, parts: 1 },
    ])
  })
})

describe("a table made again after the user dropped it", () => {
  it("starts with no checkpoint and no cursor of the old one", async () => {
    await run([
      of({
        slices: [
          await slice(
            [span(0, 10), span(90, 99)],
            [
              [5, 1],
              [95, 2],
            ],
            "A",
          ),
        ],
      }),
    ])
    await store.file().write(() => store.engine.run("DROP TABLE file.w"))
    expect((await stateWithParts(store.engine, store.file())).held.size).toBe(0)
    await run([of({ slices: [await slice([span(0, 10)], [[5, 1]], "A")] })])
    expect(await look()).toMatchObject({ parts: ["0-10 A complete 1"], cursor: 5n, total: 1 })
  })
})

/** An engine that fails at one of its statements, as a full disk or a dying process would. */
function failingAt(nth: number): { engine: Engine; count: () => number } {
  let count = 0
  const guard =
    <A extends unknown[], T>(work: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> =>
      ++count === nth ? Promise.reject(new Error("struck")) : work(...args)
  const { engine } = store
  return {
    engine: { ...engine, run: guard(engine.run), change: guard(engine.change), rows: guard(engine.rows) },
    count: () => count,
  }
}

describe("an error at any statement of a commit (I1, I2)", () => {
  it(
    "leaves rows, checkpoints, schema and state as they were, and the next try goes through",
    async () => {
      const big = Array.from({ length: 30 }, (_, n): Row => [n, n])
      await run([
        of({
          slices: [
            await slice([span(0, 30)], big, "A"),
            await slice(
              [span(40, 60)],
              [
                [45, 1],
                [55, 2],
              ],
              "A",
            ),
          ],
        }),
      ])
      await recordRun(store.engine, store.file(), "run-0", [])
      const before = await look()
      const extra = column("added", "STRING")
      const make = async () => {
        const one = of({
          slices: [
            await slice(
              [span(10, 15), span(15, 20)],
              [
                [12, 99],
                [16, 98],
              ],
              "B",
              {
                replacing: [{ interval: span(0, 30), segments: "B" }],
              },
            ),
          ],
          refreshed: [{ interval: span(50, 60), segments: "C", rows: 1, state: "complete", settings: "s" }],
          keep: [span(40, 50)],
          remove: [span(0, 5)],
        })
        const { name, target, druidType, duckdbType } = extra
        return {
          ...one,
          target: { ...one.target, schema: [...one.target.schema, { name, target, druidType, duckdbType }] },
        }
      }
      let struck = 0
      for (let nth = 1; ; nth++) {
        const { engine } = failingAt(nth)
        const result = await run([await make()], engine).then(
          () => "done",
          (error) => `${(error as Error).message}`,
        )
        if (result === "done") break
        expect(result).toContain("struck")
        struck++
        expect({ nth, now: await look() }).toEqual({ nth, now: before })
      }
      expect(struck).toBeGreaterThan(10)
      expect(await look()).toMatchObject({
        parts: [
          "5-10 A stale 5",
          "10-15 B complete 1",
          "15-20 B complete 1",
          "20-30 A stale 10",
          "40-50 A kept 1",
          "50-60 C complete 1",
        ],
      })
    },
    SLOW,
  )

  it(
    "leaves no table and no state where it was the first",
    async () => {
      for (let nth = 1; ; nth++) {
        const { engine } = failingAt(nth)
        const one = of({ slices: [await slice([span(0, 10)], [[5, 1]], "A")] })
        const isDone = await run([one], engine).then(
          () => true,
          () => false,
        )
        if (isDone) break
        expect({ nth, now: await look() }).toMatchObject({ nth, now: { rows: [], parts: [], tables: [] } })
      }
      expect((await look()).rows).toEqual(["5:1"])
    },
    SLOW,
  )
})

/** What the file must say, kept millisecond by millisecond. */
class Model {
  /** `wasKept`: it was marked kept, whatever it was marked afterwards */
  readonly held = new Map<number, { segments: string; state: PartState; wasKept?: true }>()
  rows: Row[] = []

  replace(
    intervals: readonly Interval[],
    rows: readonly Row[],
    segments: string,
    replacing: readonly Replacing[],
  ) {
    const inside = (ms: number) => intervals.some((i) => i.start <= ms && ms < i.end)
    this.rows = [...this.rows.filter(([ms]) => !inside(ms)), ...rows]
    for (const chunk of replacing) {
      for (const [ms, part] of this.held) {
        if (chunk.interval.start <= ms && ms < chunk.interval.end && part.segments !== chunk.segments)
          this.held.set(ms, { ...part, state: "stale" })
      }
    }
    for (let ms = 0; ms < 90; ms++) if (inside(ms)) this.held.set(ms, { segments, state: "complete" })
  }

  remove({ start, end }: Interval) {
    this.rows = this.rows.filter(([ms]) => ms < start || ms >= end)
    for (let ms = Number(start); ms < end; ms++) this.held.delete(ms)
  }
}

type Step =
  | { kind: "slice"; at: number; lengths: number[]; ids: number[]; segments: string; replacing: boolean }
  | { kind: "remove"; at: number; length: number }
  | { kind: "keep"; at: number; length: number }
  | { kind: "refresh"; at: number; segments: string }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("slice" as const),
      at: fc.nat({ max: 50 }),
      lengths: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 3 }),
      ids: fc.array(fc.nat({ max: 9 }), { maxLength: 10 }),
      segments: fc.constantFrom("A", "B", "C"),
      replacing: fc.boolean(),
    }),
  },
  fc.record({
    kind: fc.constant("remove" as const),
    at: fc.nat({ max: 50 }),
    length: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({
    kind: fc.constant("keep" as const),
    at: fc.nat({ max: 50 }),
    length: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({
    kind: fc.constant("refresh" as const),
    at: fc.nat({ max: 63 }),
    segments: fc.constantFrom("A", "B", "D"),
  }),
)

describe("any history of commits", () => {
  it(
    "leaves the rows that were brought last, and checkpoints that are disjoint, true and counted",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
          await rm(store.path, { force: true })
          const model = new Model()
          await run([of({})])
          for (const one of steps) {
            if (one.kind === "slice") {
              let at = one.at
              const intervals = one.lengths.map((length) => {
                const start = at
                at += length
                return span(start, at)
              })
              const whole = span(one.at, at)
              const rows = one.ids.map((id, n): Row => [one.at + (n % (at - one.at)), id])
              const replacing = one.replacing
                ? [{ interval: span(Math.max(0, one.at - 8), at + 8), segments: one.segments }]
                : []
              await run([of({ slices: [await slice(intervals, rows, one.segments, { replacing })] })])
              model.replace([whole], rows, one.segments, replacing)
            } else if (one.kind === "remove") {
              const interval = span(one.at, one.at + one.length)
              await run([of({ remove: [interval] })])
              model.remove(interval)
            } else if (one.kind === "keep") {
              const interval = span(one.at, one.at + one.length)
              await run([of({ keep: [interval] })])
              for (let ms = one.at; ms < one.at + one.length; ms++) {
                const part = model.held.get(ms)
                if (part !== undefined) model.held.set(ms, { ...part, state: "kept", wasKept: true })
              }
            } else {
              const found = (await stateWithParts(store.engine, store.file())).held.get("w")!.parts
              const part = found.find((p) => p.interval.start <= one.at && one.at < p.interval.end)
              if (part === undefined) continue
              const refreshed: Part = { ...part, segments: one.segments, state: "complete" }
              await run([of({ refreshed: [refreshed] })])
              for (let ms = Number(part.interval.start); ms < part.interval.end; ms++)
                model.held.set(ms, { segments: one.segments, state: "complete" })
            }
          }
          const now = await look()
          expect(now.rows).toEqual(
            [...model.rows].sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([ms, id]) => `${ms}:${id}`),
          )
          const state = (await stateWithParts(store.engine, store.file())).held.get("w")!
          const said = new Map<number, string>()
          for (const part of state.parts) {
            const { start, end } = part.interval
            expect(part.rows).toBe(model.rows.filter(([ms]) => start <= ms && ms < end).length)
            for (let ms = Number(start); ms < end; ms++) {
              expect(said.has(ms)).toBe(false)
              said.set(ms, `${part.segments} ${part.state}`)
            }
          }
          for (let ms = 0; ms < 90; ms++) {
            const part = model.held.get(ms)
            const isKept = part?.wasKept === true && said.get(ms) === undefined
            // a kept stretch without rows says nothing: it may go
            if (isKept) expect(model.rows.some(([at]) => at === ms)).toBe(false)
            else
              expect({ ms, says: said.get(ms) }).toEqual({
                ms,
                says: part && `${part.segments} ${part.state}`,
              })
          }
          expect(state.rows).toBe(model.rows.length)
          expect(state.cursorMs).toBe(
            model.rows.length === 0 ? undefined : BigInt(Math.max(...model.rows.map(([ms]) => ms))),
          )
        }),
        { numRuns: 40, endOnFailure: true },
      )
    },
    SLOW,
  )
})

describe("the end of a run", () => {
  it("writes history and status, and success only where all is complete", async () => {
    await run([of({ slices: [await slice([span(0, 10)], [[5, 1]], "A")] })])
    const record = {
      datasource: "w",
      table: "w",
      startedMs: 1_000,
      finishedMs: 3_500,
      rowsFetched: 1,
      rowsDeleted: 0,
      bytes: 10,
      slices: 1,
      message: undefined,
    }
    await recordRun(store.engine, store.file(), "a", [{ ...record, outcome: "complete" }])
    await recordRun(store.engine, store.file(), "b", [
      { ...record, finishedMs: 9_000, outcome: "incomplete", message: "it's 'so'" },
      { ...record, datasource: "never", table: "never", outcome: "failed" },
    ])
    const state = (await stateWithParts(store.engine, store.file())).held
    expect([...state.keys()]).toEqual(["w"])
    expect(state.get("w")).toMatchObject({
      status: "incomplete",
      lastSuccessMs: 3_500,
      lastRunMs: 9_000,
      message: "it's 'so'",
    })
    const runs = await store
      .file()
      .read(() =>
        store.engine.rows(
          "SELECT run_id, datasource, outcome, duration_ms FROM file._sync_runs ORDER BY ALL",
        ),
      )
    expect(runs).toEqual([
      ["a", "w", "complete", 2_500n],
      ["b", "never", "failed", 2_500n],
      ["b", "w", "incomplete", 8_000n],
    ])
  })
})
