/** What `export --json` and `verify --lake --json` print. */
import * as v from "valibot"
import { type DocumentOf, ended, format, key, ofTable, out } from "../base/document.ts"
import { LAKE_FORMATS, LAKE_PARTITIONINGS } from "./layout.ts"

const state = v.picklist(["complete", "provisional", "incomplete"])

/** A partition that is not plainly complete. */
const unsettled = v.object({
  partition: key(v.string(), "such as `year=2016/month=06`"),
  state,
  reason: v.string(),
})

const share = key(v.string(), "name of the part of the lake that this DuckDB file writes")

const tableExport = v.object({
  ...ofTable,
  folder: key(v.string(), "from the lake's folder; empty where nothing was exported"),
  outcome: key(state, "of all that the share has of it"),
  reason: v.optional(key(v.string(), "why the datasource as a whole is not complete")),
  rewritten: v.optional(key(v.string(), "why all partitions were written, where their rows had not changed")),
  partitionBy: v.picklist(LAKE_PARTITIONINGS),
  keys: key(v.array(v.string()), "the folders of a partition, such as `year`"),
  fileFormat: v.picklist(LAKE_FORMATS),
  written: key(v.array(v.string()), "partitions written now, such as `year=2016/month=06`"),
  unchanged: key(v.number(), "partitions"),
  removed: key(v.array(v.string()), "partitions"),
  rowsWritten: v.number(),
  bytesWritten: v.number(),
  rows: key(v.number(), "of the whole share, after this export"),
  bytes: key(v.number(), "of the whole share, after this export"),
  unsettled: key(v.array(unsettled), "partitions that are not plainly complete"),
  notes: key(v.array(v.string()), "in words"),
})

export type TableExport = DocumentOf<typeof tableExport>

export const exportDocument = v.object({
  format,
  out,
  to: key(v.string(), "the lake's folder, absolute"),
  share,
  outcome: key(state, "the least complete of all datasources"),
  ...ended,
  datasources: v.array(tableExport),
  lookups: v.exactOptional(key(v.array(v.string()), "tables of Druid's lookups, which are not written")),
})

export type ExportReport = DocumentOf<typeof exportDocument>

const mark = v.picklist(["*", "+", "-"])

/** As `verify` marks: `*` differs, `+` only the DuckDB file has it, `-` only the lake has it. */
export type LakeMark = v.InferOutput<typeof mark>

const kind = v.picklist(["missing", "damaged", "foreign", "stale", "not-exported", "different"])

/** What is wrong with a partition of a lake. */
export type LakeFault = v.InferOutput<typeof kind>

const fault = v.object({
  path: key(v.string(), "from the datasource's folder"),
  mark: key(mark, "`*` differs, `+` only the DuckDB file has it, `-` only the lake has it"),
  kind: key(
    kind,
    "`missing`: the manifest has it, the folder has not; `damaged`: not the size or digest that was written down; `foreign`: no manifest lists it; `stale`: the DuckDB file changed since; `not-exported`: rows that were never exported; `different`: as it was written, and its rows are not those of the DuckDB file",
  ),
  duckdbRows: v.nullable(v.number()),
  lakeRows: v.nullable(v.number()),
  columns: key(v.array(v.string()), "whose values differ, as far as known"),
  detail: key(v.string(), "in words"),
})

export type PartitionFault = DocumentOf<typeof fault>

const outcome = v.picklist(["equal", "different"])

const tableVerification = v.object({
  ...ofTable,
  folder: key(v.string(), "from the lake's folder"),
  outcome,
  compared: key(v.number(), "partitions of this share"),
  equal: key(v.number(), "of them"),
  rows: key(v.number(), "of the partitions that are equal"),
  faults: v.array(fault),
  otherShares: key(
    v.array(v.string()),
    "other parts of the lake, which are compared with their own DuckDB files",
  ),
})

export type TableVerification = DocumentOf<typeof tableVerification>

export const lakeDocument = v.object({
  format,
  out,
  lake: key(v.string(), "its folder, absolute"),
  share,
  mode: key(v.picklist(["fingerprints", "rows"]), "`rows` with `--deep`"),
  outcome,
  ...ended,
  datasources: v.array(tableVerification),
})

export type LakeReport = DocumentOf<typeof lakeDocument>
