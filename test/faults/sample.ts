/** The part of the matrix that every run of the tests plays. The whole of it is played by `npm run test:long`. */
import { faults } from "../support/fault-proxy/index.ts"
import type { Cell } from "./verdicts.ts"

/** @returns each fault at one place of metadata and at one slice, and each place with one fault of each verdict. Pure. */
export function sample(all: readonly Cell[]): Cell[] {
  const chosen = new Set<Cell>()
  for (const [n, fault] of faults.entries()) {
    const struck = all.filter((cell) => cell.fault === fault)
    // By turns, so that every place gets its share.
    for (const cells of [struck.filter(isOfSlice), struck.filter((cell) => !isOfSlice(cell))])
      if (cells.length > 0) chosen.add(cells[n % cells.length]!)
  }
  for (const place of new Set(all.map((cell) => cell.place))) {
    const here = all.filter((cell) => cell.place === place)
    for (const kind of new Set(here.map(({ verdict }) => verdict.kind))) {
      const alike = here.filter(({ verdict }) => verdict.kind === kind)
      if (!alike.some((cell) => chosen.has(cell))) chosen.add(alike[0]!)
    }
  }
  return all.filter((cell) => chosen.has(cell))
}

export function isOfSlice({ place }: Cell): boolean {
  return place.kind === "scan"
}
