/** One line of what `check` tells, and how it is made. */

import type { Clock } from "../../base/clock.ts"
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import type { Settings } from "../../config/settings.ts"
import type { DruidClient } from "../../druid/client.ts"
import type { Check } from "./document.ts"

export type CheckName = Check["check"]

export interface CheckOptions {
  readonly settings: Settings
  readonly client: DruidClient
  /** absolute path of the DuckDB file; undefined: what concerns it is left out */
  readonly out: string | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
  /** called with each line as soon as it is known */
  readonly onCheck: (check: Check) => void
}

/** The line for something that was thrown. @throws what is no DruidsyncError: a bug */
export function failedCheck(check: CheckName, error: unknown, subject?: string): Check {
  if (!(error instanceof DruidsyncError)) throw error
  return {
    check,
    ...(subject === undefined ? {} : { subject }),
    status: "failed",
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    exitCode: error.exitCode,
  }
}

export function okCheck(check: CheckName, message: string, subject?: string): Check {
  return {
    check,
    ...(subject === undefined ? {} : { subject }),
    status: "ok",
    message,
    exitCode: ExitCode.ok,
  }
}

export function warningCheck(check: CheckName, message: string, hint: string, subject?: string): Check {
  return { ...okCheck(check, message, subject), status: "warning", hint }
}
