/** The metadata tables: `sys.segments` and `INFORMATION_SCHEMA`, as one caller is allowed to see them. */
import type { Datasource } from "../model/datasource.ts"
import type { SegmentRow } from "../model/segment.ts"
import type { SegmentColumn, Value } from "../model/values.ts"
import type { World } from "../model/world.ts"
import { noTimeCondition, runtimeError } from "./errors.ts"
import { BIGINT, columnType, type SqlType, VARCHAR } from "./functions.ts"

/** What a caller may see. */
export interface Access {
  /** the authorizer leaves these datasources out without a word, and answers 403 to queries of them */
  readonly denied: ReadonlySet<string>
  /** `sys.segments`: there, there and refused (403), or not there at all */
  readonly segments: "allowed" | "forbidden" | "absent"
  /** columns that this release's `sys.segments` does not have (`is_active` came with 0.23, `replication_factor` with 27) */
  readonly segmentsWithout: ReadonlySet<string>
  /** data queries without a condition on time are refused */
  readonly requireTimeCondition: boolean
  /** by datasource: columns that SQL does not show, though segments have them (the Druid catalog) */
  readonly hiddenColumns: ReadonlyMap<string, ReadonlySet<string>>
  /** by datasource: the condition, in SQL, of the rows that the caller may see */
  readonly rowPolicies: ReadonlyMap<string, string>
}

export interface CatalogColumn {
  readonly name: string
  readonly type: SqlType
}

/** A table in memory. */
export interface CatalogTable {
  readonly columns: readonly CatalogColumn[]
  rows(): readonly (readonly Value[])[]
}

const SEGMENT_COLUMNS: readonly (readonly [keyof SegmentRow, SqlType])[] = [
  ["segment_id", VARCHAR],
  ["datasource", VARCHAR],
  ["start", VARCHAR],
  ["end", VARCHAR],
  ["size", BIGINT],
  ["version", VARCHAR],
  ["partition_num", BIGINT],
  ["num_replicas", BIGINT],
  ["num_rows", BIGINT],
  ["is_active", BIGINT],
  ["is_published", BIGINT],
  ["is_available", BIGINT],
  ["is_realtime", BIGINT],
  ["is_overshadowed", BIGINT],
  ["shard_spec", VARCHAR],
  ["dimensions", VARCHAR],
  ["metrics", VARCHAR],
  ["last_compaction_state", VARCHAR],
  ["replication_factor", BIGINT],
]

/** The table of a path such as `["sys", "segments"]`; undefined where there is none. */
export function catalogTable(
  path: readonly string[],
  world: World,
  access: Access,
): CatalogTable | undefined {
  switch (path.join(".")) {
    case "sys.segments":
      return access.segments === "absent" ? undefined : segmentsTable(world, access)
    case "INFORMATION_SCHEMA.COLUMNS":
      return columnsTable(world, access)
    case "INFORMATION_SCHEMA.TABLES":
      return tablesTable(world, access)
  }
  const [schema, name, ...rest] = path
  const isLookup = schema === "lookup" && rest.length === 0 && name !== undefined && world.lookups.has(name)
  return isLookup ? lookupTable(name, world, access) : undefined
}

function lookupTable(name: string, world: World, access: Access): CatalogTable {
  return {
    columns: ["k", "v"].map((column) => ({ name: column, type: VARCHAR })),
    rows() {
      if (access.requireTimeCondition) throw noTimeCondition()
      const entries = world.lookups.get(name)
      const isFilling = world.fillingLookups.has(name)
      if (entries !== undefined && !isFilling) return Object.entries(entries)
      // As 33.0.0 says it: the factory describes itself.
      const factory =
        "NamespaceLookupExtractorFactory{extractionNamespace=JdbcExtractionNamespace{password=hunter2}}"
      const words = isFilling
        ? `Factory [${factory}] not started`
        : `Cannot retrieve map view from lookup[${factory}]`
      throw runtimeError(words, "org.apache.druid.java.util.common.ISE")
    },
  }
}

function segmentColumns(access: Access) {
  return SEGMENT_COLUMNS.filter(([name]) => !access.segmentsWithout.has(name))
}

function segmentsTable(world: World, access: Access): CatalogTable {
  const columns = segmentColumns(access)
  return {
    columns: columns.map(([name, type]) => ({ name, type })),
    rows: () =>
      visibleDatasources(world, access).flatMap((ds) =>
        ds.listed().map((row) =>
          columns.map(([name]) => {
            const value = row[name]
            return typeof value === "number" ? BigInt(value) : value
          }),
        ),
      ),
  }
}

function columnsTable(world: World, access: Access): CatalogTable {
  const names = ["TABLE_SCHEMA", "TABLE_NAME", "COLUMN_NAME", "ORDINAL_POSITION", "IS_NULLABLE", "DATA_TYPE"]
  return {
    columns: names.map((name) => ({ name, type: name === "ORDINAL_POSITION" ? BIGINT : VARCHAR })),
    rows() {
      const rows: Value[][] = []
      for (const ds of visibleDatasources(world, access))
        shownColumns(ds, access).forEach(({ name, type }, i) => {
          const nullable = name === "__time" ? "NO" : "YES"
          const dataType = type.startsWith("COMPLEX<") ? type : columnType(name, type).sql
          rows.push(["druid", ds.name, name, BigInt(i + 1), nullable, dataType])
        })
      if (access.segments !== "absent")
        segmentColumns(access).forEach(([name, type], i) => {
          rows.push(["sys", "segments", name, BigInt(i + 1), "YES", type.sql])
        })
      return rows
    },
  }
}

function tablesTable(world: World, access: Access): CatalogTable {
  return {
    columns: ["TABLE_SCHEMA", "TABLE_NAME", "TABLE_TYPE"].map((name) => ({ name, type: VARCHAR })),
    rows() {
      const rows: Value[][] = visibleDatasources(world, access)
        .filter((ds) => ds.exists)
        .map((ds) => ["druid", ds.name, "TABLE"])
      for (const name of world.lookups.keys()) rows.push(["lookup", name, "TABLE"])
      if (access.segments !== "absent") rows.push(["sys", "segments", "SYSTEM_TABLE"])
      return rows
    },
  }
}

/** The columns of a datasource that SQL knows. */
export function shownColumns(ds: Datasource, { hiddenColumns }: Access): readonly SegmentColumn[] {
  return ds.schema().filter(({ name }) => hiddenColumns.get(ds.name)?.has(name) !== true)
}

function visibleDatasources(world: World, access: Access) {
  return world.datasources.filter((ds) => !access.denied.has(ds.name))
}
