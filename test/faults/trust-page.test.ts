/** The page shows the matrix as it is tested. */
import { describe, expect, it } from "bun:test"
import { faults } from "../support/fault-proxy/index.ts"
import { PLACES } from "./places.ts"
import { Results } from "./results.ts"
import { isOfSlice, sample } from "./sample.ts"
import { modesOf } from "./strike.ts"
import { matrix, readPage, updated } from "./trust-page.ts"
import { cells } from "./verdicts.ts"

describe("docs/trust.md", () => {
  it("has the matrix of today: bun test/faults/trust-page.ts writes it", () => {
    const page = readPage()
    expect(page).toBe(updated(page))
  })

  it("would be found out of date", () => {
    const page = readPage()
    expect(updated(page.replace("| reset |", "| rest |"))).not.toBe(page.replace("| reset |", "| rest |"))
  })

  it("names every fault and every place", () => {
    const text = matrix()
    for (const { name } of faults) expect(text).toContain(`| ${name} |`)
    for (const { name } of PLACES) expect(text).toContain(name)
  })

  it("has names that are not used twice, and a verdict for every cell", () => {
    expect(new Set(faults.map((fault) => fault.name)).size).toBe(faults.length)
    expect(new Set(PLACES.map((place) => place.name)).size).toBe(PLACES.length)
    expect(cells().length).toBeGreaterThan(500)
  })
})

describe("the stored results", () => {
  it("are of every cell: DRUIDSYNC_FAULTS=all bun test test/faults/matrix.test.ts plays and writes them", () => {
    const stored = Results.read()
    const unplayed = cells().filter((cell) =>
      modesOf(cell).some((mode) => stored.of(cell, mode) === undefined),
    )
    expect(unplayed.map(({ fault, place }) => `${fault.name} at ${place.name}`)).toEqual([])
  })
})

describe("the part that every run plays", () => {
  const part = sample(cells())

  it("has each fault at a place of metadata and at a slice, where it can happen there", () => {
    for (const isSlice of [true, false]) {
      const withFault = (all: typeof part) =>
        new Set(all.filter((cell) => isOfSlice(cell) === isSlice).map(({ fault }) => fault.name))
      expect(withFault(part)).toEqual(withFault(cells()))
    }
  })

  it("has each place with each verdict that there is", () => {
    const kinds = (all: typeof part) =>
      new Set(all.map(({ place, verdict }) => `${place.name}: ${verdict.kind}`))
    expect([...kinds(part)].sort()).toEqual([...kinds(cells())].sort())
  })

  it("is a part", () => {
    expect(part.length).toBeLessThan(cells().length / 4)
  })
})
