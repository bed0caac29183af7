/** What `verify --json` prints. The words for people are made from it. */
import * as v from "valibot"
import {
  type DocumentOf,
  ended,
  failure,
  format,
  key,
  ofLookup,
  ofTable,
  out,
  requests,
} from "../../base/document.ts"
import { SKIPS, type SkipKind } from "../../compare/stretches.ts"

const outcome = v.picklist(["equal", "different", "incomplete", "failed"])

export type VerifyOutcome = v.InferOutput<typeof outcome>

const mark = v.picklist(["=", "*", "+", "-"])

/** As in `rclone check`: equal, different, only in Druid, only in DuckDB. */
export type StretchMark = v.InferOutput<typeof mark>

const example = v.object({
  only: v.picklist(["druid", "duckdb"]),
  times: key(v.number(), "how many more"),
  row: key(
    v.record(v.string(), v.nullable(v.string())),
    "values as text or null, by Druid's column names; long values are cut",
  ),
})

/** A row that one side has more often than the other (`--deep`). */
export type Example = DocumentOf<typeof example>

const compared = v.object({
  interval: key(v.string(), "empty for rows without a time"),
  mark: key(mark, "`=` equal, `*` differs, `+` only in Druid, `-` only in DuckDB"),
  druidRows: v.number(),
  duckdbRows: v.number(),
  columns: key(
    v.array(v.string()),
    "whose values differ; none where the numbers of rows differ, or where the same values stand in other rows of one millisecond",
  ),
  examples: key(v.array(example), "rows that one side has more often (`--deep`), at most three of each"),
  note: v.optional(key(v.string(), "what else there is to say")),
})

/** One stretch that was compared. */
export type ComparedStretch = DocumentOf<typeof compared>

const skipped = v.object({
  interval: v.string(),
  rows: key(v.nullable(v.number()), "that the file has of it; null if that is not known"),
  kind: key(v.picklist(Object.keys(SKIPS) as SkipKind[]), "the first three are no reason for an exit code"),
  reason: key(v.string(), "in words"),
})

export type SkippedStretch = DocumentOf<typeof skipped>

const datasource = v.object({
  ...ofTable,
  outcome: key(outcome, "as above, of this one"),
  error: v.optional(key(failure, "nothing of it could be compared")),
  compared: key(v.number(), "stretches"),
  equal: key(v.number(), "of them"),
  rows: key(v.number(), "of DuckDB that were compared"),
  notSampled: key(v.number(), "stretches that are no part of the sample"),
  matches: key(v.array(v.string()), "intervals that are equal, in time order"),
  different: v.array(compared),
  repaired: key(v.array(compared), "what differed and is equal now (`--repair`); as `different`"),
  skipped: key(v.array(skipped), "what could not be compared, or was left out on purpose"),
  partlyCompared: key(v.array(v.string()), "columns of which only a part was compared"),
})

export type DatasourceVerification = DocumentOf<typeof datasource>

const lookup = v.object({
  ...ofLookup,
  outcome: key(
    v.picklist(["equal", "different", "repaired", "missing", "kept", "unlistable", "failed"]),
    "`missing`: not pulled yet; `kept`: Druid lists it no more; `unlistable`: one of `*` whose entries Druid cannot list",
  ),
  rows: key(v.number(), "in the table"),
  error: v.exactOptional(failure),
})

export type LookupVerification = DocumentOf<typeof lookup>

export const verifyDocument = v.object({
  format,
  out,
  mode: key(v.picklist(["fingerprints", "rows"]), "`rows` with `--deep`"),
  sample: v.optional(
    key(
      v.object({
        kind: v.picklist(["chunks", "percent"]),
        value: v.number(),
        seed: key(v.string(), "the same seed, the same chunks"),
      }),
      "with `--sample`",
    ),
  ),
  outcome: key(outcome, "of all: `incomplete` where something could not be compared"),
  ...ended,
  requests,
  datasources: key(v.array(datasource), "in the order of the configuration"),
  lookups: v.exactOptional(key(v.array(lookup), "with `lookups`")),
})

export type VerifyReport = DocumentOf<typeof verifyDocument>
