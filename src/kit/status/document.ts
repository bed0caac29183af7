/** What `status --json` prints. */
import * as v from "valibot"
import { type DocumentOf, format, key, ofLookup } from "../../base/document.ts"

const group = v.object({
  chunks: v.number(),
  rows: v.number(),
  intervals: key(v.array(v.string()), "neighbours joined"),
})

/** Checkpoints of one state. */
export type StatusGroup = DocumentOf<typeof group>

const datasource = v.object({
  datasource: v.string(),
  table: key(v.nullable(v.string()), "null if nothing of it was ever stored"),
  shard: key(v.nullable(v.string()), "its share of the days, such as `2/4`; null: all of them"),
  window: v.exactOptional(
    key(
      v.object({
        keepMs: key(v.number(), "milliseconds"),
        start: key(v.string(), "where it begins now: the next pull deletes what is older"),
      }),
      "with `keep`",
    ),
  ),
  rows: v.number(),
  bytes: key(v.nullable(v.number()), "of its table, about; null without one"),
  cursor: key(v.nullable(v.string()), "greatest `__time`; null without rows"),
  newest: key(v.nullable(v.string()), "greatest `__time` that is not after now; null without one"),
  aheadRows: v.exactOptional(key(v.number(), "rows after now, where there are any")),
  status: key(
    v.string(),
    "how the last run ended: `complete`, `incomplete`, `failed`, `interrupted`; or `running`, `killed`, `dropped` (its table was)",
  ),
  message: key(v.nullable(v.string()), "in words"),
  lastSuccess: key(v.nullable(v.string()), "end of the last run that left it complete, UTC"),
  lastRun: v.nullable(
    v.object({
      started: key(v.string(), "UTC"),
      outcome: key(v.string(), "as `status`"),
      durationMs: key(v.nullable(v.number()), "milliseconds; null while it runs"),
      rowsFetched: v.number(),
    }),
  ),
  chunks: key(v.number(), "checkpoints"),
  parts: key(
    v.partial(v.object({ provisional: group, unproven: group, stale: group, kept: group })),
    "checkpoints that are not plainly complete, by state",
  ),
  foreignRows: key(
    v.nullable(v.number()),
    "something else changed the table: rows that it really has; null if all is well",
  ),
  isIncomplete: v.boolean(),
})

const lookup = v.object({
  ...ofLookup,
  rows: v.number(),
  status: key(
    v.picklist(["complete", "gone", "failed"]),
    "by the last pull; `gone`: Druid lists it no more, its table is kept",
  ),
  message: key(v.nullable(v.string()), "in words"),
  changed: key(v.string(), "when its rows were stored, UTC"),
  compared: key(v.string(), "when they were last found as in Druid, UTC"),
})

export type LookupStatus = DocumentOf<typeof lookup>

export type DatasourceStatus = DocumentOf<typeof datasource>

export const statusDocument = v.object({
  format,
  file: key(v.string(), "absolute"),
  bytes: key(v.number(), "of the file"),
  runner: key(v.nullable(v.string()), "the run that works on it now: program and PID"),
  isIncomplete: key(
    v.boolean(),
    "what is stored is not all that Druid had at the last look: `--exit-code` exits with 3",
  ),
  datasources: v.array(datasource),
  lookups: v.exactOptional(key(v.array(lookup), "where the file has any")),
})

export type StatusReport = DocumentOf<typeof statusDocument>
