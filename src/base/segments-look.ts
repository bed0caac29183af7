/**
 * A look at `sys.segments`, kept where it can be asked about (`store/look`): of a million segments only those that somebody
 * has to decide about become objects. No behaviour.
 */
import type { Interval, Part, Segment } from "./domain.ts"
import type { Shard } from "./shard.ts"

/** What a look is held against: the checkpoints of one table. */
export interface Holding {
  readonly datasource: string
  /** as it is called in the file attached as `file`; undefined: there are no checkpoints of it */
  readonly table: string | undefined
  /** digest of the settings that rows are fetched with now; undefined: nothing counts as unchanged */
  readonly settings: string | undefined
  /** rows are left out, or may be: what the metadata counts promises nothing */
  readonly isPartial: boolean
  /** chunks that lie wholly outside are nobody's concern */
  readonly range: Interval
  /**
   * the moving window of `keep`: checkpoints that begin before it are to be decided about, and one chunk tells whether there
   * are rows in it; undefined where everything is kept
   */
  readonly keep: Interval | undefined
  readonly shard: Shard | undefined
  /** starts of checkpoints that count as not held */
  readonly lost: readonly bigint[]
}

/** What is to be decided for one table. */
export interface Differing {
  /**
   * segments of all chunks that may differ from what is held, and of some that do not: of one in any case, if possible one
   * with rows in the window of `keep`, and of the one before each that differs, since it lies between two stretches that
   * may be fetched
   */
  readonly segments: readonly Segment[]
  /** checkpoints, but those of chunks that are unchanged; ascending */
  readonly parts: readonly Part[]
  /** chunks of which nothing is here, since every row of them is held and proven */
  readonly unchanged: number
}

export interface SegmentsLook {
  /** Whether it lists a used segment of the datasource. */
  lists(datasource: string): boolean
  /**
   * All segments of a datasource, in no order.
   * @param within only those that overlap one of these, and of others some
   */
  segments(datasource: string, within?: readonly Interval[]): Promise<readonly Segment[]>
  /** Segments of intervals of which a partition of the core set may be missing, and those that overlap them. */
  coreSetsLacking(datasource: string): Promise<readonly Segment[]>
  /** Holds it against the checkpoints: what differs from each holding, in their order. Call while the user's file is attached as `file`, if there is one. */
  differing(holdings: readonly Holding[]): Promise<readonly Differing[]>
  /** It is not asked any more. */
  drop(): Promise<void>
}

/** Where looks are kept. */
export interface SegmentsDesk {
  /** Path of a file that is not there yet, for the rows of an answer. */
  spoolPath(): Promise<string>
  /**
   * Takes the rows of a complete answer to `segmentsSql` (`druid/metadata-sql.ts`) out of the file, and removes it.
   * @throws DruidsyncError `response-cut` where it is damaged
   */
  take(path: string): Promise<SegmentsLook>
  /** The same of segments that were made up, by datasource. */
  put(segments: ReadonlyMap<string, readonly Segment[]>): Promise<SegmentsLook>
}
