/** What a command gets from `main.ts`: the outside world, so that tests can hand in their own. */
import type { Sink } from "../report/sink.ts"
import type { Clock } from "../sync/ports.ts"

export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly newId: () => string
  /** aborted by the first SIGINT or SIGTERM */
  readonly signal: AbortSignal
  readonly stdout: Sink
  readonly stderr: Sink
  readonly version: string
}
