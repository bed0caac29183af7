/** A verification in the log that machines read. Pure. */
import type { LogRecord } from "../../kit/log/document.ts"
import { counted } from "../../kit/text/words.ts"
import type { VerifyReport } from "./document.ts"

/** The end of a verification as lines. */
export function verifiedRecords(report: VerifyReport): readonly LogRecord[] {
  const { outcome, exitCode, durationMs, mode } = report
  const records = report.datasources.map((one): LogRecord => {
    const { datasource, table, error, compared, equal, rows } = one
    const [different, repaired, skipped] = [one.different.length, one.repaired.length, one.skipped.length]
    const words = `${one.outcome}: ${counted(compared, "stretch", "stretches")} compared, ${different} different`
    return {
      level: LEVELS[one.outcome],
      event: "verified",
      datasource,
      table,
      message: error?.message ?? words,
      outcome: one.outcome,
      compared,
      equal,
      different,
      repaired,
      skipped,
      rows,
      ...(error === undefined ? {} : { code: error.code }),
    }
  })
  const message = `${outcome}: ${counted(records.length, "datasource")} compared by ${mode}`
  return [...records, { level: LEVELS[outcome], event: "finished", message, outcome, exitCode, durationMs }]
}

const LEVELS = { equal: "info", different: "error", incomplete: "warn", failed: "error" } as const
