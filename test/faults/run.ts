/** One pull within the test's process, on a clock whose sleeps cost nothing, and what came of it. */
import { randomUUID } from "node:crypto"
import { DruidsyncError, messageOf } from "../../src/base/errors.ts"
import type { Settings } from "../../src/config/settings.ts"
import { withSession } from "../../src/kit/session.ts"
import { describeError } from "../../src/kit/text/error.ts"
import type { PullReport } from "../../src/pull/document.ts"
import type { SyncEvent } from "../../src/pull/events.ts"
import { pull } from "../../src/pull/run.ts"

export interface PullOptions {
  /** to the first byte and between bytes, ms of real time; for faults that hang */
  readonly timeoutMs?: number
  readonly gzip?: boolean
  /** past the broker. Default: false */
  readonly direct?: boolean
  /** called at each sleep, before time jumps */
  readonly onSleep?: (ms: number, count: number) => Promise<void> | void
  readonly signal?: AbortSignal
  readonly emit?: (event: SyncEvent) => void
  readonly pull?: Partial<Settings["pull"]>
}

export interface Outcome {
  readonly exitCode: number
  /** of the error that a person is shown; undefined without one */
  readonly code: string | undefined
  /** what a person is shown: the error with its hint, or the reasons for what is incomplete */
  readonly message: string
  /** pauses before a retry, ms */
  readonly retries: readonly number[]
  readonly report: PullReport | undefined
}

export async function runPull(
  settings: Settings,
  out: string,
  datasources: readonly string[],
  options: PullOptions = {},
): Promise<Outcome> {
  const retries: number[] = []
  let slept = 0
  let sleeps = 0
  const { timeoutMs = 20_000 } = options
  const given: Settings = {
    ...settings,
    druid: {
      ...settings.druid,
      gzip: options.gzip ?? false,
      direct: options.direct ?? false,
      requestTimeoutMs: timeoutMs,
      idleTimeoutMs: timeoutMs,
      connectTimeoutMs: 20_000,
    },
    pull: { ...settings.pull, ...options.pull },
  }
  const clock = {
    nowMs: () => Date.now() + slept,
    sleep: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted()
      await options.onSleep?.(ms, ++sleeps)
      slept += ms
      await new Promise((done) => setImmediate(done))
      signal?.throwIfAborted()
    },
  }
  const chosen = given.datasources.filter((one) => datasources.includes(one.name))
  try {
    const report = await withSession(
      {
        settings: given,
        out,
        known: datasources,
        choose: () => Promise.resolve(chosen),
        lockWaitMs: 0,
        version: "0.0.0-test",
        clock,
        newId: randomUUID,
        emit: (event) => {
          if (event.type === "retry") retries.push(event.waitMs)
          options.emit?.(event)
        },
        signal: options.signal ?? new AbortController().signal,
      },
      (ports) =>
        pull(ports, {
          runId: randomUUID(),
          datasources: chosen,
          pull: given.pull,
          full: false,
          sinceMs: undefined,
          untilMs: undefined,
          settleWaitMs: 0,
        }),
    )
    const [one] = report.datasources
    const reasons = one?.incomplete.map((stretch) => stretch.reason) ?? []
    const message = [one?.error?.message, one?.error?.hint, ...reasons]
      .filter((text) => text !== undefined)
      .join("\n")
    return { exitCode: report.exitCode, code: one?.error?.code, message, retries, report }
  } catch (error) {
    if (!(error instanceof DruidsyncError)) {
      const stack = error instanceof Error ? error.stack : ""
      return {
        exitCode: 1,
        code: "bug",
        message: `${messageOf(error)}\n${stack}`,
        retries,
        report: undefined,
      }
    }
    const message = describeError(error, false)
    return { exitCode: error.exitCode, code: error.code, message, retries, report: undefined }
  }
}
