/**
 * The matrix of faults and places against the fake Druid; `docs/trust.md` has it as a table. A part of it (`sample.ts`) is
 * played in every run. `DRUIDSYNC_FAULTS=all` plays the whole and writes how each pull ended into `results.json`.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { faults, type Kind, sqlOf } from "../support/fault-proxy/index.ts"
import { PLACES } from "./places.ts"
import { endingOf, Results } from "./results.ts"
import { sample } from "./sample.ts"
import { Scenario } from "./scenario.ts"
import { modesOf, strike } from "./strike.ts"
import { cells } from "./verdicts.ts"

/** Cells are played side by side, each scene with a Druid, a proxy and a file of its own: many only wait. */
const SCENES = 6
const isWhole = process.env.DRUIDSYNC_FAULTS === "all"
const all = cells()
const played = isWhole ? all : sample(all)
const stored = Results.read()
/** what this run saw */
const found = new Results()
let scenes: readonly Scenario[] = []

beforeAll(async () => {
  scenes = await Promise.all(Array.from({ length: SCENES }, () => Scenario.open()))
}, 120_000)
afterAll(async () => {
  await Promise.all(scenes.map((scene) => scene.close()))
  if (isWhole) found.write(all)
})

describe("faults", () => {
  it("strike at every place that a pull comes to", async () => {
    const [scenario] = scenes as readonly [Scenario]
    const isPlace = ({ kind }: { kind: Kind }) => PLACES.some((place) => place.kind === kind)
    for (const direct of [false, true]) {
      const proxies = [scenario.proxy, scenario.proxyOf({ kind: "segmentScan" })]
      scenario.reset()
      for (const proxy of proxies) proxy.arm()
      const outcome = await scenario.pull({ direct })
      expect([outcome.exitCode, await scenario.look()]).toEqual([0, { equal: undefined, proven: undefined }])
      const seen = proxies.flatMap((proxy) => proxy.seen)
      const missed = PLACES.filter(({ isDirect = false, kind, of, n }) => {
        const there = seen.filter((one) => one.kind === kind && of?.(sqlOf(one.request)) !== false)
        return isDirect === direct && there.length < n
      })
      expect(missed).toEqual([])
      expect(seen.filter((request) => !isPlace(request))).toEqual([])
    }
  }, 60_000)

  for (const fault of faults) {
    const struck = played.filter((cell) => cell.fault === fault)
    if (struck.length === 0) continue
    it(`are survived: ${fault.name}`, async () => {
      const left = struck.flatMap((cell) => modesOf(cell).map((mode) => ({ cell, mode })))
      const wrong: string[] = []
      const playing = scenes.map(async (scene) => {
        for (let next = left.shift(); next !== undefined; next = left.shift()) {
          const { cell, mode } = next
          const struck = await strike(scene, cell, mode)
          const ending = endingOf(struck.outcome)
          found.note(cell, mode, ending)
          const before = stored.of(cell, mode)
          const other = ending === before ? [] : [`ended "${ending}", results.json says "${before}"`]
          for (const what of [...struck.wrong, ...other]) wrong.push(`${cell.place.name}, ${mode}: ${what}`)
        }
      })
      await Promise.all(playing)
      expect(wrong).toEqual([])
    }, 600_000)
  }
})
