/** A rig, one datasource and one file, for tests that tell one history step by step. */

import type { DatasourceSettings } from "../../src/config/settings.ts"
import type { PullReport } from "../../src/pull/document.ts"
import type { SyncEvent } from "../../src/pull/events.ts"
import { pull } from "../../src/pull/run.ts"
import { pullSettings } from "../support/pull-settings.ts"
import { type Copy, readFile } from "./copy.ts"
import type { Disturbance, Rig } from "./rig.ts"
import { FILTER, type TextRow } from "./truth.ts"

export const NAME = "alpha"

export interface PullOptions extends Disturbance {
  readonly full?: boolean
  readonly sliceRows?: number
  readonly concurrency?: number
  readonly settleWaitMs?: number
  /** little: the next slice is fetched only when the one before is parsed */
  readonly spoolLimitBytes?: number
  readonly filtered?: boolean
  readonly settings?: Partial<DatasourceSettings>
  readonly signal?: AbortSignal
}

export interface Pulled {
  readonly report: PullReport
  readonly exitCode: number
  readonly rows: number
  readonly events: readonly SyncEvent[]
  /** kinds of the requests, in order */
  readonly requests: string
}

export class Scene {
  readonly rig: Rig
  readonly path: string
  #runs = 0

  constructor(rig: Rig, direct = false) {
    this.rig = rig
    this.path = rig.newPath()
    rig.reset(direct)
  }

  get world() {
    return this.rig.fake.world
  }

  async pull(options: PullOptions = {}): Promise<Pulled> {
    const events: SyncEvent[] = []
    const onEvent = (event: SyncEvent) => {
      events.push(event)
      options.onEvent?.(event)
    }
    const signal = options.signal ?? new AbortController().signal
    this.rig.fake.log.clear()
    const report = await pull(this.rig.ports(this.path, [NAME], { ...options, onEvent }, signal), {
      runId: `run-${++this.#runs}`,
      datasources: [{ ...SETTINGS, ...(options.filtered ? { filter: FILTER } : {}), ...options.settings }],
      pull: pullSettings(options.concurrency ?? 1, {
        sliceRows: options.sliceRows ?? 1000,
        spoolLimitBytes: options.spoolLimitBytes ?? 1 << 30,
        memoryLimitBytes: 1 << 28,
      }),
      full: options.full ?? false,
      sinceMs: undefined,
      untilMs: undefined,
      settleWaitMs: options.settleWaitMs ?? 0,
    })
    const requests = this.rig.fake.log.kinds
    return { report, exitCode: report.exitCode, rows: report.rowsFetched, events, requests }
  }

  async copy(): Promise<Copy> {
    const copies = await readFile(this.rig.engine, this.rig.file(this.path), [NAME])
    const copy = copies.get(NAME)
    if (copy === undefined) throw new Error("there is no table yet")
    return copy
  }

  /** The table's rows as sorted text. */
  async rows(): Promise<string[]> {
    return textsOf((await this.copy()).rows)
  }

  async close(): Promise<void> {
    this.rig.remove(this.path)
    await this.rig.bury()
  }
}

export function textsOf(rows: readonly TextRow[]): string[] {
  return rows.map((row) => row.text).sort()
}

const SETTINGS: DatasourceSettings = {
  name: NAME,
  table: NAME,
  columns: { include: undefined, exclude: [] },
  filter: undefined,
  sinceMs: undefined,
  deletions: "keep",
  keepMs: "all",
  realtime: "include",
  multiValue: "list",
  rows: "all",
  rowHash: false,
  lookbackMs: 86_400_000,
}
