/**
 * The faults of the matrix against a table of groups: each third one at one slice, once or for good by turns, and one at
 * each other place. `DRUIDSYNC_FAULTS=all` plays each fault at every place, once and for good.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { PLACES_OF_GROUPS } from "./places.ts"
import { isOfSlice, sample } from "./sample.ts"
import { Scenario } from "./scenario.ts"
import { GROUPS } from "./shape.ts"
import { modesOf, strike } from "./strike.ts"
import { type Cell, cells } from "./verdicts.ts"

/** Cells are played side by side, as in `matrix.test.ts`: many only wait. */
const SCENES = 4
let scenes: readonly Scenario[] = []

beforeAll(async () => {
  scenes = await Promise.all(Array.from({ length: SCENES }, () => Scenario.open(undefined, GROUPS)))
}, 120_000)
afterAll(async () => {
  await Promise.all(scenes.map((scene) => scene.close()))
})

const all = cells(PLACES_OF_GROUPS)
const isWhole = process.env.DRUIDSYNC_FAULTS === "all"
const played = isWhole
  ? all.flatMap((cell) => modesOf(cell).map((mode) => ({ cell, mode })))
  : ofSlices().map((cell, n) => ({ cell, mode: modesOf(cell)[n % modesOf(cell).length]! }))

/** Each third fault at one slice, and one at each other place: most is asked, and read, as it is for rows. */
function ofSlices(): Cell[] {
  const first = PLACES_OF_GROUPS.map((place, n) => all.filter((cell) => cell.place === place)[n]!)
  const third = sample(all).filter((cell, n) => isOfSlice(cell) && n % 3 === 0)
  return [...third, ...first.filter((cell) => !isOfSlice(cell))]
}

describe("faults while groups are pulled", () => {
  it("lose and double no row of a group, and are made up for by the next pull", async () => {
    const left = [...played]
    const wrong: string[] = []
    const playing = scenes.map(async (scene) => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const { cell, mode } = next
        const struck = await strike(scene, cell, mode)
        for (const what of struck.wrong)
          wrong.push(`${cell.fault.name} at ${cell.place.name}, ${mode}: ${what}`)
      }
    })
    await Promise.all(playing)
    expect(wrong).toEqual([])
  }, 1_200_000)
})
