/** Plays one history on a rig and holds every pull to the invariants. */

import type { Every } from "../../src/base/buckets.ts"
import { DruidsyncError } from "../../src/base/errors.ts"
import type { DatasourceSettings, PullSettings } from "../../src/config/settings.ts"
import { settingsDigest } from "../../src/config/settings-digest.ts"
import { pull } from "../../src/pull/run.ts"
import {
  type Behaviour,
  cut,
  deny,
  destroy,
  errors,
  reply,
  type World,
} from "../support/fake-druid/fake-druid.ts"
import { pullSettings } from "../support/pull-settings.ts"
import { checkAnyTime, checkComplete } from "./check.ts"
import { type Copies, readAttached, readFile } from "./copy.ts"
import { applyChange, startOf } from "./druid-steps.ts"
import type { Beside, Fault, History, Mishap, Step, Targeted } from "./history.ts"
import { Died, type Disturbance, type Rig } from "./rig.ts"
import { FILTER, fateBefore, isBereft, Segments, type Stretch, stretchesOf } from "./truth.ts"

const NAMES = ["alpha", "beta"]
/** Of a table beside the first datasource's own. */
const besideName = (one: Beside) => `${one} beside ${NAMES[0]}`

/** What a history did, for statistics and for the text of a failure. */
export interface Played {
  readonly pulls: number
  readonly exits: readonly number[]
  readonly died: number
  readonly interrupted: number
  /** rows that data nodes sent */
  readonly rowsPastBroker: number
}

/** @throws Error with the step at which an invariant did not hold */
export async function play(rig: Rig, history: History): Promise<Played> {
  const game = new Game(rig, history)
  try {
    for (const [n, step] of history.steps.entries()) {
      try {
        await game.step(step)
      } catch (error) {
        throw new Error(`step ${n} (${step.do}): ${(error as Error).message}\n${game.story()}`, {
          cause: error,
        })
      }
    }
    try {
      await game.settleAndFinish()
    } catch (error) {
      throw new Error(`after the last step: ${(error as Error).message}\n${game.story()}`, { cause: error })
    }
    return game.played
  } catch (error) {
    await rig.renew()
    throw error
  } finally {
    await game.close()
  }
}

interface Outcome {
  readonly exitCode: number
  readonly died: boolean
  readonly rowsFetched: number
  /** Druid did not change since the last look at its segments began */
  readonly quiet: boolean
  /** Druid did not change at all */
  readonly calm: boolean
  readonly error: unknown
}

class Game {
  readonly #rig: Rig
  readonly #history: History
  readonly #segments = new Map<string, Segments>()
  readonly #settingsOf = new Map<string, DatasourceSettings>()
  readonly #story: string[] = []
  readonly #exits: number[] = []
  #settings: DatasourceSettings[] = []
  #path: string
  /** the file as the last pull left it */
  #copies: Copies = new Map()
  #runs = 0
  /** windows that pulls have had so far */
  #windows = 0
  #died = 0
  #interrupted = 0
  #rowsPastBroker = 0

  constructor(rig: Rig, history: History) {
    this.#rig = rig
    this.#history = history
    this.#path = rig.newPath()
    rig.reset(history.direct)
    for (const name of this.#names) this.#segments.set(name, new Segments())
    this.#configure({ filter: false, exclude: false })
  }

  get played(): Played {
    return {
      pulls: this.#runs,
      exits: this.#exits,
      died: this.#died,
      interrupted: this.#interrupted,
      rowsPastBroker: this.#rowsPastBroker,
    }
  }

  get #names(): string[] {
    return NAMES.slice(0, this.#history.datasources)
  }

  get #world(): World {
    return this.#rig.fake.world
  }

  story(): string {
    return this.#story.join("\n")
  }

  async close(): Promise<void> {
    this.#rig.remove(this.#path)
  }

  get #tables(): string[] {
    return this.#settings.map(({ table }) => table)
  }

  #configure({ filter, exclude }: { filter: boolean; exclude: boolean }): void {
    const { deletions, realtime, every, beside = [] } = this.#history
    const settingsOf = (name: string, table: string, buckets: Every | undefined, isFiltered: boolean) => ({
      name,
      table,
      hasSiblings: name === NAMES[0] && beside.length > 0,
      ...(buckets === undefined
        ? { columns: { include: undefined, exclude: exclude ? ["s"] : [] } }
        : {
            columns: { include: undefined, exclude: [] },
            aggregate: {
              every: buckets,
              by: exclude ? [] : [{ name: "s" }],
              measures: [{ name: "total", expression: 'SUM("n")' }],
            },
          }),
      filter: isFiltered ? FILTER : undefined,
      sinceMs: undefined,
      deletions,
      keepMs: "all" as const,
      realtime,
      multiValue: "list" as const,
      rows: "all" as const,
      rowHash: false,
      lookbackMs: 0,
    })
    this.#settings = [
      ...this.#names.map((name) => settingsOf(name, name, every, filter)),
      ...beside.map((one) => {
        const buckets = one === "rows" ? undefined : one
        return settingsOf(NAMES[0]!, besideName(one), buckets, !filter)
      }),
    ]
    for (const one of this.#settings) this.#settingsOf.set(settingsDigest(one), one)
  }

  #change(changes: readonly Targeted[]): void {
    const { rollup, datasources } = this.#history
    for (const change of changes) {
      const name = NAMES[change.ds % datasources]!
      applyChange(this.#world, name, change, { rollup })
      for (const one of this.#names) this.#segments.get(one)!.remember(this.#world, one)
    }
  }

  async step(step: Step): Promise<void> {
    this.#story.push(JSON.stringify(step))
    if (step.do === "change") return this.#change(step.changes)
    if (step.do === "configure") return this.#configure(step)
    this.#windows++
    await this.#pullAndCheck(step.mishaps, step.full, step.patient)
  }

  /** Where the window of a table begins now; undefined where everything is kept. */
  #startOf({ name, table }: DatasourceSettings): bigint | undefined {
    const { windows } = this.#history
    if (windows.length === 0 || table !== name) return undefined
    return startOf(windows[this.#windows % windows.length]!)
  }

  /** With the window of now: noon of its first day is as long ago as rows are kept. */
  #windowed(): DatasourceSettings[] {
    return this.#settings.map((one) => {
      const start = this.#startOf(one)
      return start === undefined ? one : { ...one, keepMs: this.#rig.nowMs - Number(start) - 43_200_000 }
    })
  }

  async #pullAndCheck(mishaps: readonly Mishap[], full: boolean, patient: boolean): Promise<Outcome> {
    const before = this.#copies
    const outcome = await this.#pull(mishaps, full, patient)
    const after = await this.#copy()
    this.#copies = after
    this.#story.push(
      `  exit ${outcome.exitCode}${outcome.died ? " (died)" : ""}, ${outcome.rowsFetched} rows`,
    )
    this.#checkAnyTime(after)
    if (outcome.exitCode === 0 && outcome.quiet) {
      for (const settings of this.#settings) {
        const { name, table } = settings
        const start = this.#startOf(settings)
        const copy = after.get(table)
        const all = stretchesOf(this.#world, name, settings)
        const isKept =
          settings.aggregate === undefined || settings.deletions === "mirror"
            ? () => false
            : isBereft(all, before.get(table)?.parts ?? [])
        const stretches = all.filter((stretch) => !isKept(stretch))
        if (copy === undefined) {
          const isDue = ({ rows, isCold, isLive }: Stretch) =>
            !isCold && !isLive && rows.some(({ time }) => start === undefined || time >= start)
          if (stretches.some(isDue)) throw new Error(`exit 0, but there is no table ${table}`)
          continue
        }
        // A stretch that came or changed while the run worked may have been committed in an earlier form and be kept so.
        if (!outcome.calm) continue
        const schemaLags = this.#world.datasource(name)?.staleSchema !== undefined
        checkComplete(
          table,
          settings,
          stretches,
          before.get(table),
          copy,
          this.#servesGone(name),
          schemaLags,
          start,
        )
      }
    }
    if (outcome.calm && mishaps.length === 0) this.#checkExit(outcome)
    return outcome
  }

  /** With nothing wrong anywhere the exit code is not a matter of luck. */
  #checkExit(outcome: Outcome): void {
    const expected = new Set<number>()
    for (const settings of this.#settings) {
      const stretches = stretchesOf(this.#world, settings.name, settings)
      const listed = this.#world.segments(settings.name)
      if (!listed.some((row) => row.is_active === 1)) return void expectExit(outcome, [4])
      if (stretches.some((stretch) => stretch.isUnavailable)) expected.add(3)
      const lags = listed.some(
        (row) => row.is_active === 1 && row.is_available === 1 && !row.shard_spec.includes("tombstone"),
      )
      if (lags && this.#lagging(settings.name)) expected.add(3)
      // Dropped by the metadata, still answered by a server: what overlaps it cannot be counted right.
      if (this.#servesGone(settings.name)) expected.add(3)
      // Nothing but markers of emptiness: Druid has no such table, and no columns to tell of.
      if (this.#world.schema(settings.name).length === 0) for (const code of [3, 4]) expected.add(code)
    }
    expectExit(outcome, [0, ...expected])
  }

  #lagging(name: string): boolean {
    return (
      [...(this.#world.datasource(name)?.segments ?? [])].some(
        (segment) => segment.reportedRows !== undefined,
      ) || this.#world.datasource(name)?.staleSchema !== undefined
    )
  }

  #servesGone(name: string): boolean {
    const used = new Set((this.#world.datasource(name)?.usedParts() ?? []).map((part) => part.segment))
    return (this.#world.datasource(name)?.brokerParts() ?? []).some((part) => !used.has(part.segment))
  }

  #checkAnyTime(copies: Copies): void {
    for (const [table, copy] of copies) {
      const name = this.#names.find((one) => one === table) ?? NAMES[0]!
      checkAnyTime(table, copy, this.#segments.get(name)!, this.#settingsOf)
    }
  }

  #copy(): Promise<Copies> {
    return readFile(this.#rig.engine, this.#rig.file(this.#path), this.#tables)
  }

  async #pull(mishaps: readonly Mishap[], full: boolean, patient: boolean): Promise<Outcome> {
    const rig = this.#rig
    const { fake } = rig
    const abort = new AbortController()
    let events = 0
    let requests = 0
    let hasLooked = false
    let lastLook = 0
    let lastChange = -1
    const change = (changes: readonly Targeted[]) => {
      lastChange = requests
      this.#story.push(`    meanwhile: ${JSON.stringify(changes)}`)
      this.#change(changes)
    }
    const of = <K extends Mishap["kind"]>(kind: K) =>
      mishaps.filter((mishap): mishap is Extract<Mishap, { kind: K }> => mishap.kind === kind)
    fake.log.clear()
    fake.hooks.beforeRequest = (kind) => {
      requests++
      if (kind === "columns") lastLook = requests
      for (const one of of("change")) if (one.request === requests) change(one.changes)
      const fault = of("fault").find((one) => requests >= one.request && requests < one.request + one.times)
      // A copy by counts promises less, and names no segment: fallback.test.ts knows what to expect of it.
      const isFirstLook = kind === "segments" && !hasLooked
      hasLooked ||= isFirstLook && fault === undefined
      if (fault === undefined || (isFirstLook && fault.fault === "403")) return undefined
      return behaviour(fault.fault, this.#names)
    }
    fake.hooks.duringScan = ({ n, segmentsRead }) => {
      for (const one of of("scan")) if (one.scan === n && one.segment === segmentsRead) change(one.changes)
    }
    const disturbance: Disturbance = {
      onStatement: (n) => of("crash").some((one) => one.statement === n),
      onEvent: () => {
        events++
        if (of("interrupt").some((one) => one.event === events))
          abort.abort(new DruidsyncError("interrupted", "interrupted"))
      },
      onSleep: (n) => {
        for (const one of of("wait")) if (one.wait === n) change(one.changes)
      },
      beforeCommit: async () => this.#checkAnyTime(await readAttached(rig.engine, this.#tables)),
    }
    const ports = rig.ports(this.#path, this.#names, disturbance, abort.signal)
    this.#runs++
    let exitCode: number
    let rowsFetched = 0
    let error: unknown
    try {
      const report = await within(
        pull(ports, {
          runId: `run-${this.#runs}`,
          datasources: this.#windowed(),
          pull: this.#pullSettings(),
          full,
          sinceMs: undefined,
          untilMs: undefined,
          settleWaitMs: patient ? 2_500 : 0,
        }),
      )
      exitCode = report.exitCode
      rowsFetched = report.rowsFetched
      for (const one of report.datasources) this.#rowsPastBroker += one.rowsPastBroker
    } catch (thrown) {
      error = thrown
      if (!(thrown instanceof DruidsyncError) && !(thrown instanceof Died)) throw thrown
      exitCode = thrown instanceof DruidsyncError ? thrown.exitCode : 1
    } finally {
      delete fake.hooks.beforeRequest
      delete fake.hooks.duringScan
    }
    const { survivor } = ports
    if (survivor !== undefined) {
      await rig.bury()
      rig.remove(this.#path)
      this.#path = survivor
      this.#died++
      exitCode = 1
    } else if (exitCode === 130 || error !== undefined) await rig.bury()
    else this.#checkNothingLeft(await rig.stagingTables())
    if (exitCode === 130) this.#interrupted++
    this.#exits.push(exitCode)
    const calm = lastChange < 0
    return { exitCode, died: survivor !== undefined, rowsFetched, quiet: lastChange < lastLook, calm, error }
  }

  /** A run that ends in good order takes its staged rows with it. */
  #checkNothingLeft(tables: readonly string[]): void {
    if (tables.length > 0) throw new Error(`staging tables are left over: ${tables.join(", ")}`)
  }

  #pullSettings(): PullSettings {
    const { concurrency, sliceRows } = this.#history
    return pullSettings(concurrency, { sliceRows, memoryLimitBytes: 1 << 28 })
  }

  /** Everything comes to rest: one more pull makes the copy equal, and a further one changes nothing (I4, I6). */
  async settleAndFinish(): Promise<void> {
    this.#change([{ op: "lag", on: false, ds: 0 }])
    this.#world.settle()
    for (const name of this.#names) this.#segments.get(name)!.remember(this.#world, name)
    this.#story.push("settled")
    const isEmpty = this.#names.some((name) => this.#world.schema(name).length === 0)
    const outcome = await this.#pullAndCheck([], false, false)
    if (isEmpty) return expectExit(outcome, [0, 3, 4])
    expectExit(outcome, [0])
    const before = this.#copies
    const again = await this.#pullAndCheck([], false, false)
    expectExit(again, [0])
    const { log } = this.#rig.fake
    // Whether Druid has a row in a window that no chunk lies in whole is asked as long as something would be deleted.
    const isDoubtful = (settings: DatasourceSettings) => {
      const start = this.#startOf(settings)
      const stretches = stretchesOf(this.#world, settings.name, settings)
      return start !== undefined && fateBefore(stretches, start) !== "deleted"
    }
    const asked = this.#settings.some(isDoubtful) ? log.kinds.replace(/( counts)+$/, "") : log.kinds
    if (asked !== "columns segments") throw new Error(`a pull with nothing new asked: ${log.kinds}`)
    if (again.rowsFetched !== 0) throw new Error(`a pull with nothing new fetched ${again.rowsFetched} rows`)
    for (const [name, copy] of this.#copies) {
      if (copy.chunksText !== before.get(name)!.chunksText)
        throw new Error(`a pull with nothing new wrote checkpoints of ${name}:\n${copy.chunksText}`)
    }
  }
}

function expectExit(outcome: Outcome, allowed: readonly number[]): void {
  if (allowed.includes(outcome.exitCode)) return
  const why = outcome.error instanceof Error ? `: ${outcome.error.message}` : ""
  throw new Error(`exit ${outcome.exitCode} where ${allowed.join(" or ")} was due${why}`)
}

function behaviour(fault: Fault, names: readonly string[]): Behaviour {
  switch (fault) {
    case "500":
      return reply(errors.connectionReset())
    case "504":
      return reply(errors.queryTimeout())
    case "429":
      return reply(errors.tooManyRequests("1"))
    case "400":
      return reply(errors.resourceLimit())
    case "403":
      return reply(errors.forbidden())
    case "html":
      return reply(errors.html(502, "Bad Gateway"))
    case "destroy":
      return destroy()
    case "cut":
      return cut({ rows: 1 }, "clean")
    case "close":
      return cut({ bytes: 40 }, "close")
    case "deny":
      return deny(...names)
  }
}

/** A run that never ends is a failure like another; a busy machine takes seconds for what takes milliseconds. */
async function within<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the pull hangs")), 20_000)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
