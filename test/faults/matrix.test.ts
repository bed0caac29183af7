/** The whole matrix of faults and places against the fake Druid: `docs/trust.md` has it as a table. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { faults } from "../support/fault-proxy/index.ts"
import { PLACES } from "./places.ts"
import { Scenario } from "./scenario.ts"
import { modesOf, strike } from "./strike.ts"
import { cells } from "./verdicts.ts"

/** Cells are played side by side, each scene with a Druid, a proxy and a file of its own: many only wait. */
const SCENES = 6
let scenes: readonly Scenario[] = []

beforeAll(async () => {
  scenes = await Promise.all(Array.from({ length: SCENES }, () => Scenario.open()))
}, 120_000)
afterAll(() => Promise.all(scenes.map((scene) => scene.close())))

describe("faults", () => {
  it("strike at every place that a pull comes to", async () => {
    const [scenario] = scenes as readonly [Scenario]
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
      const left = struck.flatMap((cell) => modesOf(cell).map((mode) => ({ cell, mode })))
      const wrong: string[] = []
      const playing = scenes.map(async (scene) => {
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          const { cell, mode } = next
          for (const what of await strike(scene, cell, mode))
            wrong.push(`${cell.place.name}, ${mode}: ${what}`)
        }
      })
      await Promise.all(playing)
      expect(wrong).toEqual([])
    }, 600_000)
  }
})
