/** The page shows the matrix as it is tested. */
import { describe, expect, it } from "bun:test"
import { faults } from "../support/fault-proxy/index.ts"
import { PLACES } from "./places.ts"
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
