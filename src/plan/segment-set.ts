/**
 * The identity of a set of segments as canonical text, small enough to keep with every checkpoint:
 * `start/end@version:0-9,12` per interval and version, sorted, joined with `;`. Times are milliseconds.
 * Row counts are no part of it: Druid learns them late, without any change of the data.
 */
import type { Interval, Segment } from "../base/domain.ts"

type Identity = Pick<Segment, "interval" | "version" | "partition">

/** Partition numbers by `start/end@version`. */
export type SegmentSet = ReadonlyMap<string, ReadonlySet<number>>

function groupKey(interval: Interval, version: string): string {
  // A version is a timestamp in practice; the escapes keep any text from looking like our separators.
  const escaped = version.replace(/[%;:,]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)
  return `${interval.start}/${interval.end}@${escaped}`
}

/** Canonical text of a set: equal sets give equal texts, whatever their order. */
export function segmentSetText(segments: readonly Identity[]): string {
  const groups = new Map<string, number[]>()
  for (const { interval, version, partition } of segments) {
    const key = groupKey(interval, version)
    const numbers = groups.get(key)
    if (numbers === undefined) groups.set(key, [partition])
    else numbers.push(partition)
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, numbers]) => `${key}:${ranges(numbers)}`)
    .join(";")
}

function ranges(numbers: number[]): string {
  const sorted = [...new Set(numbers)].sort((a, b) => a - b)
  const runs: string[] = []
  for (let i = 0; i < sorted.length; ) {
    let j = i
    while (j + 1 < sorted.length && sorted[j + 1] === sorted[j]! + 1) j++
    runs.push(i === j ? `${sorted[i]}` : `${sorted[i]}-${sorted[j]}`)
    i = j + 1
  }
  return runs.join(",")
}

/** Reads the canonical text back. Text that is none gives an empty set, which equals and contains nothing. */
export function parseSegmentSet(text: string): SegmentSet {
  const set = new Map<string, Set<number>>()
  for (const group of text === "" ? [] : text.split(";")) {
    const colon = group.lastIndexOf(":")
    if (!/^-?\d+\/-?\d+@/.test(group) || colon < 0) return new Map()
    const numbers = new Set<number>()
    for (const run of group.slice(colon + 1).split(",")) {
      const match = /^(-?\d+)(?:-(\d+))?$/.exec(run)
      if (match === null) return new Map()
      const first = Number(match[1])
      for (let n = first; n <= Number(match[2] ?? first); n++) numbers.add(n)
    }
    set.set(group.slice(0, colon), numbers)
  }
  return set
}

/** Those that the set does not have. */
export function without<T extends Identity>(segments: readonly T[], set: string): T[] {
  const known = parseSegmentSet(set)
  return segments.filter(
    ({ interval, version, partition }) => known.get(groupKey(interval, version))?.has(partition) !== true,
  )
}

/**
 * True where `now` is `before` and more partitions of the very same intervals and versions: rows were only added.
 * A further version or interval means that something was replaced, even where the old segments are still there.
 */
export function isPureAddition(before: string, now: string): boolean {
  const old = parseSegmentSet(before)
  const current = parseSegmentSet(now)
  if (old.size === 0 || old.size !== current.size) return false
  for (const [key, numbers] of old) {
    const more = current.get(key)
    if (more === undefined) return false
    for (const n of numbers) if (!more.has(n)) return false
  }
  return true
}
