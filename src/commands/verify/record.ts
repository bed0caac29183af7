/**
 * Records the outcome of a verification in the file, for `report`. A verification that only reads takes no run lock, and must
 * neither fail nor wait long because of this record. So the record is one short transaction, which is skipped if the file is
 * not free within a moment or cannot be written. A pull may run at the same time: it locks the file only while it commits, and
 * does not read these records.
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

/** If the file cannot be written, only emits a detail that says why. @throws the signal's reason */
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
