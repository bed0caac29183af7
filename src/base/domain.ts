/**
 * The words of druidsync as plain data: no behaviour, no I/O, no imports. Druid's words for Druid's things,
 * ELT's words for ours. Times are UTC milliseconds since 1970 as `bigint`, since Druid's range of time
 * (±4611686018427387904 ms) does not fit a JavaScript number.
 */

/** Half-open span of time `[start, end)`, in milliseconds since 1970 (UTC). */
export interface Interval {
  readonly start: bigint
  readonly end: bigint
}

/** One active segment as `sys.segments` shows it. Segments never change; new versions replace old ones whole. */
export interface Segment {
  readonly interval: Interval
  readonly version: string
  readonly partition: number
  /** partitions of its core set, of which a broker answers all or none; undefined if it was not asked */
  readonly corePartitions?: number
  /** stored rows; 0 means "not known yet" unless the segment is a tombstone */
  readonly rows: number
  readonly sizeBytes: number
  readonly isPublished: boolean
  readonly isAvailable: boolean
  readonly isRealtime: boolean
  /** wanted replicas: -1 not known yet, 0 cold or being handed off; undefined if the release has no such column */
  readonly replicationFactor: number | undefined
  /** a marker that its interval holds no rows */
  readonly isTombstone: boolean
  /** false: some server answers for it, but the metadata does not have it: dropped a moment ago, or not listed yet */
  readonly isUsed: boolean
}

/** A version with this prefix does not come from a segment. It is the number of rows that Druid counts in an interval (`druid/fallback.ts`). */
export const COUNTED = "count="

/**
 * Segments whose intervals overlap, as one unit: usually Druid's time chunk (all segments of one interval).
 * Where a newer DAY lies inside an older MONTH, both are one chunk here, since neither can be counted alone.
 */
export interface Chunk {
  readonly interval: Interval
  readonly segments: readonly Segment[]
  /** of an aggregate: the chunks that overlap its buckets (`plan/buckets.ts`); left out: it is Druid's own chunk */
  readonly of?: readonly Chunk[]
  /** a version that is not used but answers all the same, in place of these segments or beside them */
  readonly answeredBy?: string
  /** the user may be shown a part of its rows alone (`"rows": "visible"`): what its metadata counts promises nothing */
  readonly isPartlyHidden?: true
}

/** What a chunk allows right now. */
export type ChunkCondition =
  /** every segment is published, served by a historical, and its row count is known */
  | "settled"
  /** every segment is served and immutable, but Druid does not know some row count yet */
  | "uncounted"
  /** rows may still come or merge: realtime, or not yet handed off */
  | "realtime"
  /** some segment is published and wanted, but not served now; or one that is not used is served in its place */
  | "unavailable"
  /** some segment is published, but the load rules ask for no replica: not queryable, by intention */
  | "cold"

/** State of rows that we hold. */
export type PartState =
  /** proven complete against an immutable set of segments */
  | "complete"
  /** rows of realtime segments: they were right when fetched, and may still change */
  | "provisional"
  /** rows of immutable segments whose count Druid could not confirm yet */
  | "unproven"
  /** rows of a chunk that is being replaced: the old rows, still whole */
  | "stale"
  /** dropped from Druid by retention, kept here on purpose: they exist only here */
  | "kept"

/**
 * A checkpoint: the rows of one interval that we hold and the segments they came from. It is written in the
 * same transaction as its rows (invariant I1).
 */
export interface Part {
  readonly interval: Interval
  /** canonical text of the segment set (see `plan/segment-set.ts`) */
  readonly segments: string
  /** rows in the table within the interval */
  readonly rows: number
  /** rows of Druid's that they were made from, where they are groups of rows; else they are as many */
  readonly sourceRows?: number | undefined
  readonly state: PartState
  /** digest of the settings (columns, filter) that the rows were fetched with */
  readonly settings: string
}

/** How a Druid column is read and stored. */
export interface Column {
  /** name in Druid */
  readonly name: string
  /** name in DuckDB; differs only where DuckDB cannot tell two names apart */
  readonly target: string
  /** Druid's native type: `LONG`, `STRING`, `ARRAY<LONG>`, `COMPLEX<json>`, … */
  readonly druidType: string
  /** Druid's SQL type: `TIMESTAMP`, `BIGINT`, `OTHER`, … */
  readonly sqlType: string
  /** the column holds rows with several values */
  readonly multiValue: boolean
  /** "text": Druid's own type would lose values of some segments, so they are asked for as text */
  readonly reading?: "text"
  /** Druid's SQL that computes it; left out: it is Druid's column of that name */
  readonly expression?: string
  /** it has the number of rows of each group */
  readonly countsRows?: true
  /** only hashes of its values are stored: the type that the values have in DuckDB, and what is put before each */
  readonly hashed?: { readonly plainType: string; readonly salt: { reveal(): string } }
  /** type in DuckDB */
  readonly duckdbType: string
}

/** Why something is planned, in a form that can be printed and tested. */
export type Reason =
  | { readonly kind: "new" }
  | { readonly kind: "resume" }
  | { readonly kind: "added"; readonly segments: number }
  | { readonly kind: "replaced"; readonly version: string }
  /** the rows were made by other settings; `what` names those that changed, as far as that is known */
  | { readonly kind: "settings"; readonly what?: readonly string[] }
  | { readonly kind: "full" }
  | { readonly kind: "realtime" }
  | { readonly kind: "settled" }
  | { readonly kind: "unproven" }

/** A stretch of one chunk that has to be fetched. */
export interface Work {
  readonly interval: Interval
  readonly chunk: Chunk
  readonly reason: Reason
  /** state the rows will have once they are committed */
  readonly state: "complete" | "provisional" | "unproven"
  /** rows that Druid's metadata promises for the interval; undefined if only a count can tell */
  readonly expectedRows: number | undefined
  /** rows that were counted while the work was cut: only for sizes and progress, no proof */
  readonly measuredRows?: number
  /** set: only these segments are fetched, and their rows go beside those that are held */
  readonly added?: Added
}

/** Segments that came to a chunk, and what is held of its others. */
export interface Added {
  /** at least one, with rows */
  readonly segments: readonly Segment[]
  /** rows that the file holds of the chunk's other segments: all that they have, as far as they are wanted */
  readonly heldRows: number
}

/** What is fetched with one query and committed in one transaction. */
export interface Slice {
  /** from the first work's start to the last work's end; no other chunk lies in between, unless segments are added */
  readonly interval: Interval
  readonly works: readonly Work[]
  /** rows expected, as far as known; for progress and for cutting */
  readonly rows: number
}

/** Rows of one stretch, counted by Druid. Buckets are ascending and cover what was counted. */
export interface Bucket {
  readonly interval: Interval
  readonly all: number
  readonly matching: number
}
