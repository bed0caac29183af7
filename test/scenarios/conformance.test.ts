/** The conformance scenarios on the fake Druid, with the command line in this process. */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { fakeWorld } from "../support/conformance/fake-world.ts"
import { inProcess } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { DataNode } from "../support/fake-druid/http/data-node.ts"
import { scenarios } from "./conformance.ts"

let fake: FakeDruid

beforeAll(async () => {
  fake = await startFakeDruid()
})
afterAll(() => fake.stop())

describe("on the fake Druid, past its broker", () => {
  let segmentScans = 0
  for (const { name, play } of scenarios) {
    it(name, async () => {
      fake.reset()
      const nodes = [await DataNode.start(fake), await DataNode.start(fake)]
      const stage = new Stage(fakeWorld(fake), inProcess(), { direct: true })
      try {
        await play(stage)
        segmentScans += fake.log.count("segmentScan")
      } finally {
        stage.close()
        for (const node of nodes) await node.stop()
      }
    })
  }

  it("asked the data nodes", () => {
    expect(segmentScans).toBeGreaterThan(scenarios.length / 2)
  })
})

describe.each([
  ["on the fake Druid", {}],
  ["on the fake Druid, where counts alone prove", { rows: "visible" }],
])("%s", (_, always) => {
  for (const { name, play } of scenarios) {
    it(name, async () => {
      fake.reset()
      const stage = new Stage(fakeWorld(fake), inProcess(), always)
      try {
        await play(stage)
      } finally {
        stage.close()
      }
    })
  }
})
