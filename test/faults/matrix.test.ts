/** The whole matrix of faults and places against the fake Druid: `docs/trust.md` has it as a table. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { faults } from "../support/fault-proxy/index.ts"
import { PLACES } from "./places.ts"
import { Scenario } from "./scenario.ts"
import { modesOf, strike } from "./strike.ts"
import { cells } from "./verdicts.ts"

let scenario: Scenario

beforeAll(async () => {
  scenario = await Scenario.open()
}, 60_000)
afterAll(() => scenario.close())

describe("faults", () => {
  it("strike at every place that a pull comes to", async () => {
    scenario.reset()
    scenario.proxy.arm()
    const outcome = await scenario.pull()
    expect([outcome.exitCode, await scenario.look()]).toEqual([0, { equal: undefined, proven: undefined }])
    const passed = new Set(scenario.proxy.seen.map(({ kind, n }) => `${kind} ${n}`))
    const missed = PLACES.filter(({ kind, n }) => !passed.has(`${kind} ${n}`))
    expect(missed).toEqual([])
    const unstruck = scenario.proxy.seen.filter(({ kind }) => PLACES.every((place) => place.kind !== kind))
    expect(unstruck).toEqual([])
  }, 60_000)

  for (const fault of faults) {
    const struck = cells().filter((cell) => cell.fault === fault)
    if (struck.length === 0) continue
    it(`are survived: ${fault.name}`, async () => {
      const wrong: string[] = []
      for (const cell of struck) {
        for (const mode of modesOf(cell)) {
          for (const what of await strike(scenario, cell, mode))
            wrong.push(`${cell.place.name}, ${mode}: ${what}`)
        }
      }
      expect(wrong).toEqual([])
    }, 600_000)
  }
})
