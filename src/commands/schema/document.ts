/** What `schema --json` prints. */
import * as v from "valibot"
import { type DocumentOf, exitCode, failure, format, key, ofTable } from "../../base/document.ts"
import { plannedLookup } from "../../pull/document.ts"

const column = v.object({
  name: key(v.string(), "in Druid"),
  column: key(v.nullable(v.string()), "in DuckDB; null if it is left out"),
  storedType: key(v.nullable(v.string()), "that the file has now; null without"),
  notes: key(v.array(v.string()), "in words, a clause each"),
  druidType: key(
    v.nullable(v.string()),
    "native: `LONG`, `STRING`, `COMPLEX<json>`; null if Druid has it no more, or it is left out",
  ),
  sqlType: key(v.nullable(v.string()), "Druid's; null if Druid has it no more"),
  duckdbType: key(v.nullable(v.string()), "after the next pull; null if it is left out"),
  multiValue: key(v.boolean(), "has rows with several values"),
  standing: key(
    v.picklist(["same", "new", "retyped", "vanished", "excluded"]),
    "`same`: in both; `new`: not in the file yet; `retyped`: the next pull of rows changes its type; `vanished`: in the file alone; `excluded`: left out by the configuration",
  ),
})

export type SchemaColumn = DocumentOf<typeof column>

const datasource = v.object({
  ...ofTable,
  isStored: key(v.boolean(), "the file has its table already"),
  columns: v.array(column),
  error: v.optional(key(failure, "this datasource could not be looked at; the others were")),
})

export type DatasourceSchema = DocumentOf<typeof datasource>

export const schemaDocument = v.object({
  format,
  out: key(v.nullable(v.string()), "the DuckDB file, absolute; null if no file was named"),
  exitCode,
  datasources: key(v.array(datasource), "in the order of the configuration"),
  lookups: v.exactOptional(key(v.array(plannedLookup), "with `lookups`")),
})

export type SchemaReport = DocumentOf<typeof schemaDocument>
