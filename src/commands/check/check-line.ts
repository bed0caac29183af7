/** One step of `check`, and the lines that it prints: ok, warning or failed. */
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import type { Settings } from "../../config/settings.ts"
import type { Ports } from "../../pull/ports.ts"
import type { Check } from "./document.ts"

export interface CheckOptions extends Pick<Ports, "client" | "clock" | "signal"> {
  readonly settings: Settings
  /** absolute path of the DuckDB file; undefined: what concerns it is left out */
  readonly out: string | undefined
  /** called with each line as soon as it is known */
  readonly onCheck: (check: Check) => void
}

/** What a check found: a line without its name and subject. */
export type Found = Omit<Check, "check" | "subject">

export function ok(message: string): Found {
  return { status: "ok", message, exitCode: ExitCode.ok }
}

export function warning(message: string, hint: string): Found {
  return { ...ok(message), status: "warning", hint }
}

/** @param exitCode what a pull would exit with because of it */
export function failed(message: string, hint: string, exitCode: ExitCode = ExitCode.failed): Found {
  return { status: "failed", message, hint, exitCode }
}

/** What was thrown, as a line. @throws what is no DruidsyncError: a bug */
export function failedBy(error: unknown): Found {
  if (!(error instanceof DruidsyncError)) throw error
  const { message, hint, exitCode } = error
  return { status: "failed", message, ...(hint === undefined ? {} : { hint }), exitCode }
}

/**
 * Checks one thing and reports what was found; an error becomes a line too.
 * @param subject the datasource or folder that it is about
 * @returns whether nothing failed
 * @throws the signal's reason, and what is a bug
 */
export async function attempt(
  { signal, onCheck }: CheckOptions,
  check: Check["check"],
  look: () => Promise<Found | readonly Found[]>,
  subject?: string,
): Promise<boolean> {
  signal.throwIfAborted()
  const found = await look().catch((error) => {
    signal.throwIfAborted()
    return failedBy(error)
  })
  const lines = [found].flat()
  for (const one of lines) onCheck({ check, ...(subject === undefined ? {} : { subject }), ...one })
  return lines.every(({ status }) => status !== "failed")
}
