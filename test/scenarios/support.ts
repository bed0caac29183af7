/** What the scenarios on the fake share: one fake per file, reset before each test, a stage that cleans up. */
import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test"
import { fakeWorld } from "../support/conformance/fake-world.ts"
import { inProcess, type Runner } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { type FakeDruid, type FakeDruidOptions, startFakeDruid } from "../support/fake-druid/fake-druid.ts"

export interface Fixture {
  readonly fake: FakeDruid
  readonly stage: Stage
  /** another stage on the same fake: another file, another way to run */
  anotherStage(runner?: Runner): Stage
}

/** Call at the top of a test file; the fields are there while a test runs. */
export function useFake(options: FakeDruidOptions = {}, runner: Runner = inProcess()): Fixture {
  let fake: FakeDruid
  let stages: Stage[] = []
  const open = (how = runner) => {
    const stage = new Stage(fakeWorld(fake), how)
    stages.push(stage)
    return stage
  }
  beforeAll(async () => {
    fake = await startFakeDruid(options)
  })
  afterAll(() => fake.stop())
  beforeEach(() => {
    fake.reset()
    open()
  })
  afterEach(() => {
    for (const stage of stages) stage.close()
    stages = []
  })
  return {
    get fake() {
      return fake
    },
    get stage() {
      return stages[0]!
    },
    anotherStage: open,
  }
}
