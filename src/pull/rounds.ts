/**
 * The loop: look, plan, fetch, prove, commit; then look again, until nothing is left that Druid can give now. Each round
 * starts from what the file says and what the last look saw; nothing is remembered that a crash could lose.
 */

import { messageOf } from "../base/errors.ts"
import { sameInterval } from "../base/intervals.ts"
import { sumOf } from "../base/lists.ts"
import type { SegmentsLook } from "../base/segments-look.ts"
import { labelOf } from "../config/table-name.ts"
import type { Inventory } from "../druid/catalog.ts"
import { type PresentState, readPresent } from "../store/notes/present.ts"
import { describeChanged } from "./describe.ts"
import { heldOf, type Look } from "./judge.ts"
import { lookAt } from "./look.ts"
import { refuseOtherCluster } from "./origin.ts"
import { execute } from "./pipeline/execute.ts"
import type { Ports } from "./ports.ts"
import { decideAll } from "./prepare/prepare.ts"
import { noteOutOfTime, type Run, type Stretch } from "./progress.ts"
import { refuseEmptyRange, refuseOtherShard } from "./refusals.ts"
import { noteDoubts, noteFailure, type Planned, planAll } from "./round-plan.ts"
import { anyOf } from "./time-limit.ts"
import { doUpkeep, hasUpkeep } from "./upkeep.ts"

/** Rounds that found work; a stream of changes in Druid must not keep a run alive for ever. */
const MAX_ROUNDS = 6
/** Pause between looks while segments are being loaded or counted. */
const SETTLE_POLL_MS = 1_000

interface RoundResult {
  /** something was stored, or Druid changed meanwhile */
  readonly progressed: boolean
  /** Druid changed while it was read */
  readonly changed: boolean
  /** all segments as they were seen last, if they were looked at again */
  readonly segments: SegmentsLook | undefined
  /** waiting may help */
  readonly mayImprove: boolean
}

export class Rounds {
  readonly #run: Run
  /** the run's, for what is of use only while there is time */
  readonly #asking: Ports
  /** of the latest look */
  #segments: SegmentsLook | undefined
  #wasPlanned = false
  /** from 1; a round that brings nothing is not counted */
  #round = 1

  constructor(run: Run) {
    this.#run = run
    this.#asking = { ...run.ports, signal: anyOf(run.ports.signal, run.request.limit?.over) }
  }

  /** Until nothing is left to do, or to wait for. What became of each datasource is in the run's progress. */
  async run(): Promise<void> {
    try {
      await this.#whileTime()
    } catch (error) {
      this.#run.ports.signal.throwIfAborted()
      if (this.#run.request.limit?.over.aborted !== true) throw error
    } finally {
      // Reports the error that ended the rounds, if there is one.
      await this.#segments?.drop().catch(() => undefined)
    }
    // Later, what was left out is noted where it was.
    if (!this.#wasPlanned) for (const one of this.#run.progress) noteOutOfTime(one)
  }

  async #whileTime(): Promise<void> {
    const { ports, request } = this.#run
    const { clock, signal } = this.#asking
    let look = await this.#firstLook()
    let deadlineMs: number | undefined
    while (request.limit?.isOver() !== true) {
      const isLastCall = this.#isOver || (deadlineMs !== undefined && clock.nowMs() >= deadlineMs)
      const done = await this.#doRound(look, isLastCall)
      if (done.segments !== undefined) await this.#hold(done.segments)
      this.#wasPlanned = true
      // A round that brought nothing, and after which Druid is the same, would be followed by one like it.
      if (done.progressed) {
        this.#round++
        const state = await readPresent(ports.engine, ports.file, signal)
        const segments = done.segments ?? look.inventory.segments
        const inventory = done.changed ? await inventoryOf(this.#asking) : { ...look.inventory, segments }
        look = await this.#look(inventory, state)
        continue
      }
      if (isLastCall || !done.mayImprove) return
      deadlineMs ??= clock.nowMs() + Math.min(request.settleWaitMs, request.limit?.leftMs() ?? Infinity)
      ports.emit({ type: "waiting", message: "waiting for Druid to load and count its newest segments" })
      await clock.sleep(Math.max(0, Math.min(SETTLE_POLL_MS, deadlineMs - clock.nowMs())), signal)
      look = await this.#look(await inventoryOf(this.#asking), look.state)
    }
  }

  /** A look that takes the place of the one before. */
  async #hold(segments: SegmentsLook): Promise<void> {
    if (this.#segments !== segments) await this.#segments?.drop()
    this.#segments = segments
  }

  async #look(inventory: Inventory, state: Look["state"]): Promise<Look> {
    await this.#hold(inventory.segments)
    return lookAt(this.#asking, this.#run.request, inventory, state)
  }

  get #isOver(): boolean {
    return this.#round > MAX_ROUNDS
  }

  /**
   * Druid answers while the file is read. If the file cannot be read, that is the error to report, and we do not wait for Druid.
   * @throws DruidsyncError
   */
  async #firstLook(): Promise<Look> {
    const { ports, request } = this.#run
    refuseEmptyRange(request, ports.clock.nowMs())
    const refused = new AbortController()
    const looked = inventoryOf({ ...ports, signal: AbortSignal.any([this.#asking.signal, refused.signal]) })
    looked.catch(() => undefined)
    try {
      const state = await readPresent(ports.engine, ports.file, ports.signal)
      refuseOtherShard(ports.file.path, request, state)
      this.#sayChanged(state)
      const inventory = await looked
      await refuseOtherCluster(ports, request, { state, inventory })
      return await this.#look(inventory, state)
    } catch (error) {
      refused.abort(error)
      await looked.then(({ segments }) => segments.drop()).catch(() => undefined)
      throw error
    }
  }

  #sayChanged(state: PresentState): void {
    const { changed } = state
    const { ports, progress } = this.#run
    for (const { settings } of progress) {
      const parts = changed.get(heldOf(state, settings)?.table ?? "")
      if (parts === undefined) continue
      ports.emit({ type: "warning", ...labelOf(settings), message: describeChanged(parts) })
    }
  }

  /**
   * Plans and does one round; past the last one, plans and does the upkeep alone, and nothing is to be waited for. What was
   * planned is garbage-collected when it returns: the plans of many segments are big.
   */
  async #doRound(look: Look, isLastCall: boolean): Promise<RoundResult> {
    const reasons = this.#run.progress.flatMap((one) => one.incomplete)
    const plans = await planAll({ ...this.#run, ports: this.#asking }, look, isLastCall)
    await doUpkeep(this.#run, plans)
    if (!this.#isOver) return this.#fetch(plans)
    await this.#noteLeft(plans, reasons)
    return { progressed: false, changed: false, segments: undefined, mayImprove: false }
  }

  /** Fetches what was planned, after the upkeep. */
  async #fetch(plans: readonly Planned[]): Promise<RoundResult> {
    const { progress } = this.#run
    const busy = plans.flatMap(({ progress: { error }, prepared }) =>
      error === undefined && prepared?.decisions.isDone === false ? [prepared] : [],
    )
    const upkept = plans.some(hasUpkeep)
    let mayImprove = plans.some((plan) => plan.mayImprove)
    if (busy.length === 0) return { progressed: upkept, changed: false, segments: undefined, mayImprove }
    const stored = () => sumOf(progress, (one) => one.slices)
    const storedBefore = stored()
    const { perTable, segments } = await execute(this.#run, busy, this.#round)
    let changed = false
    for (const [table, result] of perTable) {
      const one = progress.find(({ settings }) => settings.table === table)!
      one.incomplete.push(...result.unproven)
      noteDoubts(one, result.doubtful)
      if (result.error !== undefined) noteFailure(one, result.error)
      changed ||= result.changed
      mayImprove ||= result.doubtful.length > 0
    }
    return { progressed: upkept || changed || stored() > storedBefore, changed, segments, mayImprove }
  }

  /** What is still to be fetched when the rounds are used up is not complete, whatever kept it. */
  async #noteLeft(plans: readonly Planned[], reasons: readonly Stretch[]): Promise<void> {
    for (const { progress, prepared } of plans) {
      if (prepared === undefined) continue
      const { slices } = await decideAll(prepared, this.#asking.signal).catch((error: unknown) => {
        for (const interval of prepared.decisions.left)
          progress.incomplete.push({ interval, reason: messageOf(error) })
        throw error
      })
      for (const { interval } of slices) {
        const known = reasons.find(
          (one) => one.interval !== undefined && sameInterval(one.interval, interval),
        )
        progress.incomplete.push({
          interval,
          reason: known?.reason ?? "Druid kept changing while it was read",
        })
      }
    }
  }
}

function inventoryOf(ports: Ports): Promise<Inventory> {
  return ports.catalog.inventory(ports.signal)
}
