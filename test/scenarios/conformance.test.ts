/** The conformance scenarios on the fake Druid, with the command line in this process. */
import { afterAll, beforeAll, describe, it } from "bun:test"
import { fakeWorld } from "../support/conformance/fake-world.ts"
import { inProcess } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { scenarios } from "./conformance.ts"

let fake: FakeDruid

beforeAll(async () => {
  fake = await startFakeDruid()
})
afterAll(() => fake.stop())

describe("on the fake Druid", () => {
  for (const { name, play } of scenarios) {
    it(name, async () => {
      fake.reset()
      const stage = new Stage(fakeWorld(fake), inProcess())
      try {
        await play(stage)
      } finally {
        stage.close()
      }
    })
  }
})
