/**
 * Notes what a verification found in the file, for `report`. A verification that only reads takes no lock of a run and
 * must not fail or wait for the sake of a note: the note is one short transaction, made where the file is free at once
 * or within a moment, and left out where it is not, or cannot be written. A pull may be under way: it holds the file
 * only while it commits, and reads nothing of what is noted.
 */
import { messageOf } from "../../base/errors.ts"
import { formatDruidTime } from "../../base/time.ts"
import type { Ports } from "../../pull/ports.ts"
import { databaseFile } from "../../store/file/file.ts"
import { recordVerifies, type VerifyRecord } from "../../store/notes/verifies.ts"
import type { DatasourceVerification, VerifyReport } from "./document.ts"
import type { VerifyRequest } from "./verify.ts"

/** How long the file is waited for, ms. */
const WAIT_MS = 2_000

/** Never throws for the file's sake; says in detail why there is no note. @throws what interrupted it */
export async function recordVerification(
  ports: Ports,
  request: Pick<VerifyRequest, "runId" | "sinceMs" | "untilMs">,
  report: VerifyReport,
): Promise<void> {
  const { engine, clock, signal } = ports
  const file = databaseFile(engine, {
    path: ports.file.path,
    lockWaitMs: WAIT_MS,
    clock,
  })
  try {
    await recordVerifies(
      engine,
      file,
      request.runId,
      report.datasources.map((one) => recordOf(one, report, scopeOf(request, report))),
      signal,
    )
  } catch (error) {
    signal.throwIfAborted()
    ports.emit({ type: "detail", message: `the outcome was not noted in the file: ${messageOf(error)}` })
  }
}

/** What part of the rows was compared, in words; undefined: all of them. */
function scopeOf(
  { sinceMs, untilMs }: Pick<VerifyRequest, "sinceMs" | "untilMs">,
  { sample }: Pick<VerifyReport, "sample">,
): string | undefined {
  const words: string[] = []
  if (sample !== undefined)
    words.push(sample.kind === "percent" ? `${sample.value}% of the chunks` : `${sample.value} chunks`)
  if (sinceMs !== undefined) words.push(`from ${formatDruidTime(sinceMs)}`)
  if (untilMs !== undefined) words.push(`before ${formatDruidTime(untilMs)}`)
  return words.length === 0 ? undefined : words.join(", ")
}

/** One table of a verification as it is noted. */
function recordOf(
  one: DatasourceVerification,
  report: Pick<VerifyReport, "started" | "durationMs" | "mode">,
  scope: string | undefined,
): VerifyRecord {
  const startedMs = Date.parse(report.started)
  return {
    datasource: one.datasource,
    table: one.table,
    startedMs,
    finishedMs: startedMs + report.durationMs,
    mode: report.mode,
    scope,
    outcome: one.outcome,
    compared: one.compared,
    different: one.different.length,
    repaired: one.repaired.length,
    skipped: one.skipped.length,
    rows: one.rows,
    message: messageFor(one),
  }
}

/** The first thing that keeps it from being equal. */
function messageFor({ error, different, skipped }: DatasourceVerification): string | undefined {
  if (error !== undefined) return error.message
  const [worst] = different
  if (worst !== undefined) {
    const what = worst.columns.length > 0 ? `column ${worst.columns.join(", ")}` : (worst.note ?? "rows")
    return `${worst.interval}: ${what}`
  }
  const [left] = skipped
  return left === undefined ? undefined : `${left.interval}: ${left.reason}`
}
