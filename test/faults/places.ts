/** The places in the protocol at which each fault strikes, in the order in which one pull of the scenario comes to them. */
import type { Kind } from "../support/fault-proxy/index.ts"

export interface Place {
  /** unique; used in tests' names and in the matrix */
  readonly name: string
  readonly kind: Kind
  /** only requests whose SQL this holds of; undefined: all of the kind */
  readonly of?: (sql: string) => boolean
  /** which of these requests in the scenario's pull */
  readonly n: number
  /** only a pull that goes past the broker comes to it */
  readonly isDirect?: true
  /** Druid is asked whether it takes what the configuration says: what it refuses there is to be mended there */
  readonly isOfConfig?: true
  /** it may be asked once more while the first is still tried again: a look that a later slice makes useless */
  readonly isRepeated?: true
}

/**
 * Counts of a day, or of a part of it. They are asked while rows arrive, so which day comes first is chance; that a slice
 * is counted before and after it is fetched is not.
 */
const ofDay = (day: string) => (sql: string) => {
  const from = Number(/TIMESTAMP_TO_MILLIS\("__time"\) >= (-?\d+)/.exec(sql)?.[1])
  return from >= Date.parse(day) && from < Date.parse(day) + 86_400_000
}
/** Of the day that rows are added to, and of the one that streams (`theatre.ts`). */
const ADDED = ofDay("2024-01-02")
const STREAMED = ofDay("2024-01-06")

export const PLACES: readonly Place[] = [
  { name: "columns", kind: "columns", n: 1 },
  { name: "segments", kind: "segments", n: 1 },
  { name: "recount", kind: "counts", of: ADDED, n: 1 },
  { name: "types", kind: "types", n: 1 },
  { name: "segment metadata", kind: "segmentMetadata", n: 1 },
  { name: "bounds", kind: "bounds", n: 1 },
  { name: "histogram", kind: "histogram", n: 1 },
  { name: "first slice", kind: "scan", n: 1 },
  { name: "last slice", kind: "scan", n: 6 },
  { name: "count before", kind: "counts", of: STREAMED, n: 1 },
  { name: "count after", kind: "counts", of: STREAMED, n: 2 },
  { name: "proving look", kind: "segments", n: 2 },
  { name: "compiling", kind: "explain", n: 1, isDirect: true },
  { name: "locating", kind: "candidates", n: 1, isDirect: true },
  { name: "data node", kind: "segmentScan", n: 1, isDirect: true },
]

/** The same for a table of groups, which never comes past the broker: its rows are fewer, and so are its slices. */
export const PLACES_OF_GROUPS: readonly Place[] = PLACES.filter(({ isDirect }) => isDirect !== true).map(
  (place) => {
    if (place.name === "types") return { ...place, isOfConfig: true }
    if (place.name === "proving look") return { ...place, isRepeated: true }
    return place.name === "last slice" ? { ...place, n: 4 } : place
  },
)
