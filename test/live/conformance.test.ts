/** The conformance scenarios on a real Druid, with the built executable. Those that can run side by side do. */
import { beforeAll, describe, it } from "bun:test"
import type { Druid } from "../../scripts/druid/index.ts"
import { type Scenario, scenarios } from "../scenarios/conformance.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { executable } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { liveDruid, tag } from "./support.ts"

let druid: Druid

beforeAll(async () => {
  druid = await liveDruid()
})

async function play(scenario: Scenario): Promise<void> {
  const stage = new Stage(liveWorld(druid, tag), executable())
  try {
    await scenario.play(stage)
  } finally {
    stage.close()
  }
}

describe("on a real Druid", () => {
  // Ingestion is mostly waiting: six at a time take little longer than one.
  const queue: (() => Promise<void>)[] = []
  const outcomes = new Map<Scenario, PromiseWithResolvers<void>>()
  for (const scenario of scenarios.filter((one) => !one.alone)) {
    const outcome = Promise.withResolvers<void>()
    outcome.promise.catch(() => undefined)
    outcomes.set(scenario, outcome)
    queue.push(() => play(scenario).then(outcome.resolve, outcome.reject))
  }

  beforeAll(() => {
    for (let n = 0; n < 4; n++) void worker()
  })

  async function worker(): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next()
  }

  for (const [scenario, outcome] of outcomes) it(scenario.name, () => outcome.promise, 300_000)
  for (const scenario of scenarios.filter((one) => one.alone))
    it(scenario.name, () => play(scenario), 300_000)
})
