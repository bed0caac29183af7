/** What `datasources --json` prints. */
import * as v from "valibot"
import { type DocumentOf, format, key } from "../../base/document.ts"

const datasource = v.object({
  datasource: v.string(),
  table: key(v.nullable(v.string()), "that it becomes; null if the configuration does not have it"),
  tables: v.exactOptional(key(v.array(v.string()), "all of them, where it becomes several")),
  rows: key(v.nullable(v.number()), "as Druid last counted them: realtime rows lag behind"),
  bytes: key(v.nullable(v.number()), "in deep storage"),
  interval: key(v.nullable(v.string()), "from the first segment to the last"),
  chunks: key(v.nullable(v.number()), "intervals that have segments"),
  segments: v.nullable(v.number()),
  segmentGranularity: key(v.nullable(v.array(v.string())), "`DAY` and the like, the most frequent first"),
  rollup: key(v.nullable(v.boolean()), "null if Druid cannot tell"),
  realtime: key(v.nullable(v.number()), "segments that rows still come to"),
  unavailable: key(v.nullable(v.number()), "segments that no server has loaded now"),
  cold: key(v.nullable(v.number()), "segments that the load rules keep on no server"),
  uncounted: key(v.nullable(v.number()), "segments whose rows Druid has not counted yet: `rows` lacks them"),
})

const lookup = v.object({
  lookup: v.string(),
  table: key(v.nullable(v.string()), "that it becomes; null if the configuration does not have it"),
  isListed: key(v.boolean(), "false where the configuration has it and Druid's SQL does not list it"),
})

export type ListedDatasource = DocumentOf<typeof datasource>

export const datasourcesDocument = v.object({
  format,
  exitCode: key(v.literal(0), "0"),
  url: key(v.string(), "of Druid"),
  hasSegments: key(
    v.boolean(),
    "false where Druid refuses `sys.segments`: then rows are counted, and what is not known is null",
  ),
  datasources: key(v.array(datasource), "those of the configuration first; then by name"),
  missing: key(v.array(v.string()), "configured, and unknown to Druid: deleted, forbidden, or misspelled"),
  lookups: v.optional(key(v.array(lookup), "by name; left out where Druid does not tell")),
})

export type DatasourcesReport = DocumentOf<typeof datasourcesDocument>
