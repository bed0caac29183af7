/** The lines of `--log-format json`. Fields are added in later versions, never renamed without a word in the changelog. */
import * as v from "valibot"
import { type DocumentOf, durationMs, exitCode, key, ofTable } from "../../base/document.ts"

/** What a line of an event has beside `time`, `level`, `event` and `message`. */
function line<const Name extends string, const Fields extends v.ObjectEntries>(event: Name, fields: Fields) {
  return v.object({
    time: key(v.string(), "UTC"),
    level: v.picklist(["debug", "info", "warn", "error"]),
    event: v.literal(event),
    message: v.string(),
    ...fields,
  })
}

const datasource = v.string()
/** of an event of a datasource that becomes several tables */
const table = v.exactOptional(key(v.string(), "where the configuration makes several of the datasource"))
const runId = v.string()
const code = v.exactOptional(key(v.string(), "of an error"))

export const logLine = v.variant("event", [
  line("looking", { url: v.string(), datasources: v.array(v.string()) }),
  line("planned", { datasource, table, rows: v.number(), slices: v.number(), round: v.number() }),
  line("fetched", { datasource, table, bytes: v.number(), expectedRows: v.number() }),
  line("committed", { datasource, table, rows: v.number(), slices: v.number() }),
  line("retry", { waitMs: v.number(), attempt: v.number() }),
  line("waiting", {}),
  line("detail", {}),
  line("warning", { datasource: v.exactOptional(key(datasource, "where it is about one")), table }),
  // At the end of a pull, of each table.
  line("datasource", {
    ...ofTable,
    runId,
    outcome: v.string(),
    rowsFetched: v.number(),
    rowsDeleted: v.number(),
    rows: v.number(),
    cursor: v.nullable(v.string()),
    bytes: v.number(),
    slices: v.number(),
    incomplete: v.number(),
    unavailable: v.number(),
    code,
  }),
  line("lookup", { lookup: v.string(), runId, outcome: v.string(), rows: v.number(), code }),
  line("publish", { runId, path: v.string(), outcome: v.string(), code }),
  // At the end of a verification, of each table.
  line("verified", {
    ...ofTable,
    outcome: v.string(),
    compared: v.number(),
    equal: v.number(),
    different: v.number(),
    repaired: v.number(),
    skipped: v.number(),
    rows: v.number(),
    code,
  }),
  line("finished", {
    outcome: v.string(),
    exitCode,
    durationMs,
    runId: v.exactOptional(key(runId, "of a pull")),
    requests: v.exactOptional(key(v.number(), "of a pull")),
    rowsFetched: v.exactOptional(key(v.number(), "of a pull")),
  }),
  // The run broke off.
  line("error", { code: v.string(), exitCode, hint: v.exactOptional(v.string()) }),
])

type Untimed<Line> = Line extends unknown ? Omit<Line, "time"> : never

/** What a line says beside its time. */
export type LogRecord = Untimed<DocumentOf<typeof logLine>>
