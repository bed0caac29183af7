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

/** Ingestion is mostly waiting: so many scenarios at a time take little longer than one. */
const AT_ONCE = 5
/** Of one, the waiting for its turn included. */
const LIMIT_MS = 600_000
let free = AT_ONCE
const waiting: (() => void)[] = []

async function play(scenario: Scenario, always: Readonly<Record<string, unknown>> = {}): Promise<void> {
  if (free === 0) await new Promise<void>((done) => waiting.push(done))
  else free--
  const stage = new Stage(liveWorld(druid, "direct" in always ? `${tag}d` : tag), executable(), always)
  try {
    await scenario.play(stage)
  } finally {
    stage.close()
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
}

describe("on a real Druid", () => {
  for (const scenario of scenarios.filter((one) => !one.alone))
    it.concurrent(scenario.name, () => play(scenario), LIMIT_MS)
})

describe("on a real Druid, past its broker", () => {
  for (const scenario of scenarios.filter((one) => !one.alone))
    it.concurrent(scenario.name, () => play(scenario, { direct: true }), LIMIT_MS)
})

describe("on a real Druid that loses its servers", () => {
  for (const scenario of scenarios.filter((one) => one.alone))
    it(scenario.name, () => play(scenario), LIMIT_MS)
})
