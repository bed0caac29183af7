/** What `pull --json` prints. */
import * as v from "valibot"
import {
  type DocumentOf,
  ended,
  exitCode,
  failure,
  format,
  key,
  ofLookup,
  ofTable,
  out,
  reasoned,
  requests,
} from "../base/document.ts"

const outcome = v.picklist(["complete", "incomplete", "failed", "interrupted"])

/** The limits of a run: nothing else was looked at. */
export const range = key(
  v.object({ since: v.nullable(v.string()), until: v.nullable(v.string()) }),
  "with `--since` or `--until`: nothing else was looked at",
)

export type Range = DocumentOf<typeof range>

/** A stretch that is not complete, and why. */
const incomplete = v.object({
  ...reasoned,
  interval: key(v.string(), "empty where it may be all of the datasource"),
})

export type Incomplete = DocumentOf<typeof incomplete>

const datasource = v.object({
  ...ofTable,
  outcome: key(outcome, "as above, of this one"),
  error: v.optional(key(failure, "it failed; the others went on")),
  rowsFetched: v.number(),
  rowsPastBroker: key(v.number(), "of them, those that came from data nodes (`direct`)"),
  rowsDeleted: key(v.number(), "old rows that were taken out"),
  rows: key(v.number(), "in the table after the run"),
  provisionalRows: key(v.number(), "of them, those that may still change in Druid (realtime)"),
  keptRows: key(v.number(), "of them, those that Druid dropped and the file keeps"),
  cursor: key(v.nullable(v.string()), "greatest `__time` in the table; null without rows"),
  bytes: key(v.number(), "fetched, before compression"),
  slices: key(v.number(), "committed"),
  incomplete: key(v.array(incomplete), "what should be here and is not"),
  unavailable: key(
    v.array(v.string()),
    "intervals that are published and served by no server now: also among the incomplete",
  ),
  cold: key(v.array(v.string()), "intervals that the load rules keep on no server"),
  broken: v.exactOptional(
    key(
      v.array(incomplete),
      "of what Druid lists it answers nothing, since a partition is missing; what is held is kept, and no reason for an exit code",
    ),
  ),
  schemaChanges: key(v.array(v.string()), "in words"),
  isGone: v.exactOptional(
    key(v.literal(true), "a pattern matched it, and Druid lists it no more: what was pulled before is kept"),
  ),
})

export type DatasourceReport = DocumentOf<typeof datasource>

const lookup = v.object({
  ...ofLookup,
  outcome: key(
    v.picklist(["new", "replaced", "unchanged", "gone", "unlistable", "failed"]),
    "`gone`: Druid lists it no more, its table is kept; `unlistable`: Druid cannot list its entries, and nobody asked for it by name",
  ),
  rows: key(v.number(), "in the table after the run"),
  error: v.exactOptional(failure),
  exitCode: v.exactOptional(key(exitCode, "that the error asks for")),
})

/** What a pull would do with a lookup: `plan` and `schema` show it. */
export const plannedLookup = v.object({
  ...ofLookup,
  table: key(v.string(), "in DuckDB, with the columns k and v (VARCHAR)"),
  standing: key(
    v.picklist(["new", "held", "gone", "failed"]),
    "`held`: each pull compares it as a whole; `gone`: Druid lists it no more, its table is kept",
  ),
  error: v.exactOptional(failure),
})

export type PlannedLookup = DocumentOf<typeof plannedLookup>

export type LookupReport = DocumentOf<typeof lookup>

/** What became of the copy for readers. */
const publish = v.object({
  path: v.string(),
  outcome: key(
    v.picklist(["published", "up-to-date", "nothing", "skipped", "failed"]),
    "`nothing`: there is no file yet; `skipped`: the run was interrupted",
  ),
  error: v.exactOptional(failure),
})

export type PublishReport = DocumentOf<typeof publish>

export const pullDocument = v.object({
  format,
  runId: key(v.string(), "as in `_sync_runs`"),
  out,
  outcome: key(outcome, "the worst of all datasources"),
  ...ended,
  requests,
  rowsFetched: key(v.number(), "of all datasources"),
  range: v.exactOptional(range),
  datasources: key(v.array(datasource), "in the order of the configuration"),
  lookups: v.exactOptional(key(v.array(lookup), "with `lookups`")),
  publish: v.exactOptional(key(publish, "with `--publish`")),
})

export type PullReport = DocumentOf<typeof pullDocument>
