/** What a command gets from `main.ts`: the outside world, so that tests can hand in their own. */

import type { Clock } from "../base/clock.ts"
import type { Sink } from "./sink.ts"

/** Text that comes in: a terminal, a pipe or a file. */
export type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean }

export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly newId: () => string
  /** aborted by the first SIGINT or SIGTERM */
  readonly signal: AbortSignal
  /** what is typed or piped in; missing where there is nothing to read */
  readonly stdin?: Input
  readonly stdout: Sink
  readonly stderr: Sink
  readonly version: string
}
