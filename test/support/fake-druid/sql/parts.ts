/** Parts of segments as queries read them. */
import { type RowSource, range, reader } from "../model/rows.ts"
import type { StoredSegment } from "../model/segment.ts"
import { type Interval, intersection } from "../model/time.ts"
import type { SegmentColumn, Value } from "../model/values.ts"
import type { TimedRows } from "./aggregate.ts"
import type { ScanPart } from "./answer.ts"

/** A segment and the part of its time that a query is to read. */
export interface Part {
  readonly segment: StoredSegment
  readonly within: Interval
}

/** One segment's share of a scan, with the rows that it has now. */
export function scanPart(
  { segment, within }: Part,
  slots: readonly SegmentColumn[],
  matches: ((row: readonly Value[]) => boolean) | undefined,
  project: (row: readonly Value[]) => readonly Value[],
): ScanPart {
  const { home, rows, columns } = segment
  return {
    segment,
    isThere: () => segment.served && segment.home === home,
    *rows() {
      for (const row of rowsOf(rows, columns, within, slots)) if (!matches || matches(row)) yield project(row)
    },
  }
}

/** Rows of all parts, in the layout of the slots. */
export function* eachRow(
  parts: readonly Part[],
  slots: readonly SegmentColumn[],
  matches: ((row: readonly Value[]) => boolean) | undefined,
) {
  for (const { segment, within } of parts)
    for (const row of rowsOf(segment.rows, segment.columns, within, slots))
      if (!matches || matches(row)) yield row
}

/** Rows of one segment in the layout of the slots; rows are not made where only their time is wanted. */
function* rowsOf(
  rows: RowSource,
  columns: readonly SegmentColumn[],
  within: Interval,
  slots: readonly SegmentColumn[],
) {
  const [from, to] = range(rows, within)
  if (slots.every((slot) => slot.name === "__time")) {
    for (let i = from; i < to; i++) yield slots.length === 0 ? [] : [rows.time(i)]
    return
  }
  const read = reader(slots, columns)
  for (let i = from; i < to; i++) yield read(rows.row(i))
}

/** What can be told of the parts from the times of their rows. */
export function timedRows(parts: readonly Part[]): TimedRows {
  const whole = (part: Part) => range(part.segment.rows, part.within)
  const times = (pick: (part: Part, from: number, to: number) => bigint) =>
    parts.flatMap((part) => {
      const [from, to] = whole(part)
      return from < to ? [pick(part, from, to)] : []
    })
  return {
    count(within: Interval) {
      let count = 0
      for (const part of parts) {
        const seen = intersection(part.within, within)
        if (!seen) continue
        const [from, to] = range(part.segment.rows, seen)
        count += to - from
      }
      return count
    },
    first: () =>
      times((part, from) => part.segment.rows.time(from)).reduce<bigint | undefined>(smaller, undefined),
    last: () =>
      times((part, _, to) => part.segment.rows.time(to - 1)).reduce<bigint | undefined>(greater, undefined),
  }
}

function smaller(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b < a ? b : a
}

function greater(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b > a ? b : a
}
