/** Turns the engine's events into lines. */
import type { Emit } from "../sync/events.ts"
import type { DryRun } from "../sync/plan.ts"

interface Sink {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface ReporterOptions {
  readonly stdout: Sink
  readonly stderr: Sink
  readonly env: Readonly<Record<string, string | undefined>>
  readonly nowMs: () => number
  readonly quiet: boolean
  readonly verbose: boolean
  readonly json: boolean
}

export interface Reporter {
  readonly emit: Emit
  plan(plan: DryRun): void
  close(): void
}

export function createReporter(options: ReporterOptions): Reporter {
  return {
    emit: (event) => {
      if (event.type === "received") return
      if (event.type === "finished" && options.json) options.stdout.write(`${JSON.stringify(event.report)}\n`)
      else options.stderr.write(`${JSON.stringify(event)}\n`)
    },
    plan: (plan) => options.stdout.write(`${JSON.stringify(plan)}\n`),
    close: () => {},
  }
}
