/**
 * Random histories of lookups: they come, change and go, other programs change their tables, requests fail, the process dies
 * before some statement. Whatever happens, a table holds one whole state of its lookup, and after a run that exits 0 the
 * state of now.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import fc from "fast-check"
import { DruidsyncError } from "../../src/base/errors.ts"
import { pull } from "../../src/pull/run.ts"
import { Died, Rig } from "../model/rig.ts"
import { errors, reply } from "../support/fake-druid/fake-druid.ts"
import { pullSettings } from "../support/pull-settings.ts"
import { datasource } from "./support.ts"

const RUNS = Number(process.env.DRUIDSYNC_LOOKUP_RUNS ?? 40)
const NAMES = ["a", "b c"]

type Entries = Readonly<Record<string, string | null>>
type Step =
  | { readonly do: "set"; readonly name: number; readonly entries: Entries }
  | { readonly do: "remove"; readonly name: number }
  | { readonly do: "tamper"; readonly name: number }
  | {
      readonly do: "pull"
      readonly crash: number | undefined
      readonly fault: number | undefined
      readonly meanwhile: Entries | undefined
    }

const entries: fc.Arbitrary<Entries> = fc.dictionary(
  fc.constantFrom("", "k", "K", "é", "x y"),
  fc.option(fc.constantFrom("", "v", "null", "\n"), { nil: null }),
  { noNullPrototype: true },
)
const name = fc.nat(NAMES.length - 1)
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined, freq: 2 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("set" as const), name, entries }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tamper" as const), name }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("pull" as const),
      crash: maybe(fc.integer({ min: 10, max: 60 })),
      fault: maybe(fc.integer({ min: 1, max: 8 })),
      meanwhile: maybe(entries),
    }),
  },
)

let rig: Rig
beforeAll(async () => {
  rig = await Rig.open()
})
afterAll(() => rig.close())

const tableOf = (lookup: string) => `lookup_${lookup.replace(" ", "_")}`
const textOf = (rows: Entries) => JSON.stringify(Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1)))

class Game {
  path = rig.newPath()
  /** every state that a lookup ever had, and what other programs made of its table */
  readonly states = new Map<string, Set<string>>()
  #runs = 0

  constructor() {
    rig.fake.reset()
    this.world.append("edits", [{ __time: "2024-01-01", n: 1n }])
    this.world.settle()
  }

  get world() {
    return rig.fake.world
  }

  set(lookup: string, now: Entries): void {
    this.world.lookups.set(lookup, now)
    this.#remember(lookup, textOf(now))
  }

  #remember(lookup: string, state: string): void {
    this.states.set(lookup, (this.states.get(lookup) ?? new Set()).add(state))
  }

  /** The tables of the file, each as text; those that are not there are missing. */
  async held(): Promise<Map<string, string>> {
    const file = rig.file(this.path)
    const found = new Map<string, string>()
    if (!file.exists()) return found
    await file.read(async () => {
      const tables = (
        await rig.engine.rows("SELECT table_name FROM duckdb_tables() WHERE database_name = 'file'")
      ).flat()
      for (const lookup of NAMES.filter((one) => tables.includes(tableOf(one)))) {
        const rows = await rig.engine.rows(`SELECT k, v FROM file.${tableOf(lookup)}`)
        found.set(
          lookup,
          textOf(Object.fromEntries(rows.map(([k, v]) => [String(k), v === null ? null : String(v)]))),
        )
      }
    })
    return found
  }

  async tamper(lookup: string): Promise<void> {
    if (!(await this.held()).has(lookup)) return
    await rig
      .file(this.path)
      .write(() => rig.engine.run(`INSERT INTO file.${tableOf(lookup)} VALUES ('mine', 'x')`))
    this.#remember(lookup, (await this.held()).get(lookup)!)
  }

  async pull({ crash, fault, meanwhile }: Extract<Step, { do: "pull" }>): Promise<number> {
    let requests = 0
    rig.fake.hooks.beforeRequest = (kind) => {
      if (kind !== "lookup") return undefined
      requests++
      if (meanwhile !== undefined && requests === 2) this.set(NAMES[0]!, meanwhile)
      return fault === requests ? reply(errors.connectionReset()) : undefined
    }
    const disturbance = { onStatement: (n: number) => n === crash }
    const ports = rig.ports(this.path, ["edits"], disturbance, new AbortController().signal)
    let exitCode: number
    try {
      const report = await pull(ports, {
        runId: `run-${++this.#runs}`,
        datasources: [datasource("edits")],
        pull: pullSettings(1),
        full: false,
        lookups: "*",
        sinceMs: undefined,
        untilMs: undefined,
        settleWaitMs: 0,
      })
      exitCode = report.exitCode
    } catch (error) {
      if (!(error instanceof Died || error instanceof DruidsyncError)) throw error
      exitCode = 1
    } finally {
      delete rig.fake.hooks.beforeRequest
    }
    if (ports.survivor === undefined) return exitCode
    await rig.bury()
    rig.remove(this.path)
    this.path = ports.survivor
    return 1
  }
}

describe("random histories of lookups", () => {
  it(
    "leave each table whole, and as in Druid after a run that exits 0",
    async () => {
      let crashes = 0
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
          const game = new Game()
          const last: Step = { do: "pull", crash: undefined, fault: undefined, meanwhile: undefined }
          for (const one of [...steps, last]) {
            const before = await game.held()
            if (one.do === "set") game.set(NAMES[one.name]!, one.entries)
            else if (one.do === "remove") game.world.lookups.delete(NAMES[one.name]!)
            else if (one.do === "tamper") await game.tamper(NAMES[one.name]!)
            else {
              const exitCode = await game.pull(one)
              if (exitCode === 1 && one.crash !== undefined) crashes++
              const after = await game.held()
              for (const [lookup, state] of after) expect([...game.states.get(lookup)!]).toContain(state)
              if (exitCode !== 0) continue
              for (const [lookup, now] of game.world.lookups) {
                // What came or changed while the run was at another may be of before.
                const isMoving = one.meanwhile !== undefined && lookup === NAMES[0]
                if (!isMoving) expect(after.get(lookup)).toBe(textOf(now!))
              }
              // What Druid has no more is kept as it was.
              for (const [lookup, state] of before)
                if (!game.world.lookups.has(lookup)) expect(after.get(lookup)).toBe(state)
            }
          }
          rig.remove(game.path)
        }),
        { numRuns: RUNS, seed: 4_711 },
      )
      expect(crashes).toBeGreaterThan(RUNS / 20)
    },
    60_000 + RUNS * 3_000,
  )
})
