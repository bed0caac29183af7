/**
 * What the replayed Druid has: datasources of equal segments, one per time chunk, each with its rows spread evenly
 * over its time. All numbers can be computed, so nothing is held but the template.
 */

export interface WorldOptions {
  readonly datasources: number
  /** per datasource */
  readonly segments: number
  /** per datasource; the last segments may hold one less */
  readonly rows: number
  /** length of a time chunk */
  readonly chunkMs: number
}

export interface SegmentSpan {
  readonly n: number
  readonly startMs: number
  readonly endMs: number
  readonly rows: number
  /** rows of the datasource before this segment */
  readonly before: number
}

/** 2001-09-10, from where times have 13 digits. */
const ORIGIN_MS = Date.UTC(2001, 8, 10)
/** The year 2286, up to where they have. */
const LIMIT_MS = 10_000_000_000_000

export class World {
  readonly names: readonly string[]
  readonly options: WorldOptions

  constructor(options: WorldOptions) {
    const { datasources, segments, chunkMs } = options
    if (ORIGIN_MS + segments * chunkMs > LIMIT_MS) throw new Error("too many segments for their length")
    this.options = options
    this.names = Array.from({ length: datasources }, (_, n) =>
      datasources === 1 ? "replay" : `replay-${String(n).padStart(4, "0")}`,
    )
  }

  segment(n: number): SegmentSpan {
    const { rows, segments, chunkMs } = this.options
    const before = Math.floor((n * rows) / segments)
    const startMs = ORIGIN_MS + n * chunkMs
    const count = Math.floor(((n + 1) * rows) / segments) - before
    return { n, startMs, endMs: startMs + chunkMs, rows: count, before }
  }

  /** Rows with a time before `ms`, which is their number in order of time too. */
  rowsBefore(ms: number): number {
    const { segments, chunkMs, rows } = this.options
    const n = Math.floor((ms - ORIGIN_MS) / chunkMs)
    if (n < 0) return 0
    if (n >= segments) return rows
    const segment = this.segment(n)
    return (
      segment.before + Math.min(segment.rows, Math.ceil(((ms - segment.startMs) * segment.rows) / chunkMs))
    )
  }

  /** Time of the row `k` of a segment. */
  timeOf(segment: SegmentSpan, k: number): number {
    return segment.startMs + Math.floor((k * this.options.chunkMs) / segment.rows)
  }

  /** Segments that have rows between two row numbers, in order. */
  *segmentsOf(from: number, to: number): Generator<SegmentSpan> {
    const { rows, segments } = this.options
    if (from >= to) return
    let n = Math.max(0, Math.floor((from * segments) / rows) - 1)
    while (this.segment(n).before + this.segment(n).rows <= from) n++
    for (; n < segments; n++) {
      const segment = this.segment(n)
      if (segment.before >= to) return
      if (segment.rows > 0) yield segment
    }
  }
}
