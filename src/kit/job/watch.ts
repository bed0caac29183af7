/**
 * Reports on an unattended pull, however it ends: to a file of metrics and to a dead-man's switch. Neither of them fails a
 * run; a report that cannot be made is a warning.
 */

import { resolve } from "node:path"
import { DruidsyncError, ExitCode, messageOf } from "../../base/errors.ts"
import { isHttpAddress } from "../../config/host.ts"
import { proxiesOf } from "../../config/proxy.ts"
import { Secret } from "../../config/secret.ts"
import type { DatasourceSettings, Settings } from "../../config/settings.ts"
import { labelOf, tableName } from "../../config/table-name.ts"
import type { PullReport } from "../../pull/document.ts"
import type { Emit, SyncEvent } from "../../pull/events.ts"
import type { StateAt } from "../../store/notes/ahead.ts"
import type { CliContext } from "../context.ts"
import type { Answer } from "../output.ts"
import { titleOf } from "../text/list.ts"
import { checkMetricsPath, writeMetrics } from "./metrics-file.ts"
import { createPinger, type Pinger } from "./pinger.ts"

/** Flags of the job: they count even where no configuration can be read. */
interface JobFlags {
  readonly out?: string
  readonly metrics?: string
  readonly ping?: string
}

/** How a run ended. */
export type End = { readonly report: PullReport } | { readonly error: unknown }

export class Watch {
  readonly #context: CliContext
  readonly #flags: JobFlags
  readonly #emit: Emit
  readonly #startedMs: number
  #settings: Settings | undefined
  /** those of the configuration; undefined where its patterns were not looked up */
  #tables: readonly DatasourceSettings[] | undefined
  #pinger: Pinger | undefined
  #retries = 0
  /** as the run left it; undefined if it broke off */
  #held: StateAt | undefined
  /** by title of a table: when its first slice was planned, and the last was committed */
  readonly #busy = new Map<string, { readonly fromMs: number; toMs: number }>()

  /** @param emit gets a warning for each report that could not be made */
  constructor(context: CliContext, flags: JobFlags, emit: Emit) {
    this.#context = context
    this.#flags = flags
    this.#emit = emit
    this.#startedMs = context.clock.nowMs()
  }

  /** Runs the job, and tells how it ended. Its answer's document is a `PullReport`. */
  async over<T extends Answer | number>(work: () => Promise<T>): Promise<T> {
    try {
      const answer = await work()
      await this.end({ report: (answer as Answer).document as PullReport })
      return answer
    } catch (error) {
      await this.end({ error })
      throw error
    }
  }

  /**
   * The configuration is known, the run begins.
   * @throws DruidsyncError `usage` if the file of metrics can be none
   */
  async start(settings: Settings): Promise<void> {
    this.#settings = settings
    if (settings.patterns.length === 0) this.chose(settings.datasources)
    this.#pinger = this.#createPinger(settings.job.ping)
    this.#pinger?.start()
    if (settings.job.metrics !== undefined) await checkMetricsPath(settings.job.metrics)
  }

  /** It is known which tables the configuration makes. */
  chose(tables: readonly DatasourceSettings[]): void {
    this.#tables = tables
  }

  take(event: SyncEvent): void {
    if (event.type === "retry") this.#retries++
    if (event.type === "finished") this.#held = event.held
    if (event.type !== "planned" && event.type !== "committed") return
    const nowMs = this.#context.clock.nowMs()
    const title = titleOf(event)
    const busy = this.#busy.get(title)
    if (busy === undefined) this.#busy.set(title, { fromMs: nowMs, toMs: nowMs })
    else if (event.type === "committed") busy.toMs = nowMs
  }

  /** Call when the file and everything else is closed. Never throws. */
  async end(end: End): Promise<void> {
    const path = this.#settings?.job.metrics ?? absolute(this.#flags.metrics)
    const exitCode = exitCodeOf(end)
    if (path !== undefined) {
      await this.#writeMetrics(path, exitCode, "report" in end ? end.report : undefined).catch((error) =>
        this.#warn(messageOf(error)),
      )
    }
    const { ping } = this.#flags
    // A configuration that cannot be read is a failure that a switch exists for.
    if (this.#settings === undefined && ping !== undefined && isHttpAddress(ping))
      this.#pinger = this.#createPinger(new Secret(ping))
    await this.#pinger?.end(exitCode, await wordsOf(end))
  }

  #createPinger(url: Secret | undefined): Pinger | undefined {
    if (url === undefined) return undefined
    const { version, env } = this.#context
    const proxies = this.#settings?.druid.proxies ?? proxiesOf(undefined, env)
    return createPinger(url, `druidsync/${version}`, proxies, (message) => this.#warn(message))
  }

  #warn(message: string): void {
    this.#emit({ type: "warning", message })
  }

  async #writeMetrics(path: string, exitCode: number, report: PullReport | undefined): Promise<void> {
    const { clock, version } = this.#context
    const out = resolve(this.#flags.out!)
    const endedMs = clock.nowMs()
    const { figuresOf, readFigures } = await import("./figures.ts")
    const held = this.#held === undefined ? await readFigures(out, clock) : figuresOf(this.#held)
    const published = report?.publish?.outcome
    await writeMetrics(path, {
      out,
      version,
      exitCode,
      startedMs: this.#startedMs,
      endedMs,
      requests: report?.requests ?? 0,
      retries: this.#retries,
      published:
        this.#settings?.job.publish === undefined
          ? undefined
          : published === "published" || published === "up-to-date"
            ? 1
            : 0,
      datasources: this.#tables?.map((settings) => {
        const { name, table } = settings
        const busy = this.#busy.get(titleOf(labelOf(settings)))
        return {
          name,
          // The table that is called like its datasource keeps its series when others come beside it.
          table: table === tableName(name) ? undefined : labelOf(settings).table,
          report: report?.datasources.find((one) => one.table === table),
          busyMs: busy === undefined ? 0 : busy.toMs - busy.fromMs,
          held: held === undefined ? undefined : (held.get(table) ?? NOTHING_HELD),
        }
      }),
    })
  }
}

function absolute(path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(path)
}

const NOTHING_HELD = {
  rows: 0,
  provisionalRows: 0,
  keptRows: 0,
  newestMs: undefined,
  aheadRows: 0,
  lastSuccessMs: undefined,
}

function exitCodeOf(end: End): number {
  if ("report" in end) return end.report.exitCode
  return end.error instanceof DruidsyncError ? end.error.exitCode : ExitCode.failed
}

/** A few lines for the person who gets the alarm. */
async function wordsOf(end: End): Promise<string> {
  if ("error" in end) return messageOf(end.error)
  const { summaryLines } = await import("../text/summary.ts")
  const { styleFor } = await import("../text/style.ts")
  const lines = summaryLines(end.report, false, styleFor({ write: () => true }, {}))
  return lines.map(({ text }) => text).join("\n")
}
