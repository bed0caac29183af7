/** The places in the protocol at which each fault strikes, in the order in which one pull of the scenario comes to them. */
import type { Kind } from "../support/fault-proxy/index.ts"

export interface Place {
  /** unique; used in tests' names and in the matrix */
  readonly name: string
  readonly kind: Kind
  /** which request of its kind in the scenario's pull */
  readonly n: number
}

export const PLACES: readonly Place[] = [
  { name: "columns", kind: "columns", n: 1 },
  { name: "segments", kind: "segments", n: 1 },
  { name: "recount", kind: "counts", n: 1 },
  { name: "types", kind: "types", n: 1 },
  { name: "segment metadata", kind: "segmentMetadata", n: 1 },
  { name: "bounds", kind: "bounds", n: 1 },
  { name: "histogram", kind: "histogram", n: 1 },
  { name: "first slice", kind: "scan", n: 1 },
  { name: "last slice", kind: "scan", n: 6 },
  { name: "count before", kind: "counts", n: 2 },
  { name: "count after", kind: "counts", n: 3 },
  { name: "proving look", kind: "segments", n: 2 },
]
