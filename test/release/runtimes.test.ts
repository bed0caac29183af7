/**
 * The package for npm under each runtime that it promises: the conformance scenarios and a day that streams, with its one
 * file of JavaScript as a process of its own. The oldest Node is tried in every run, `DRUIDSYNC_RUNTIMES=all` tries all.
 * `DRUIDSYNC_BUNDLE=FILE` tries one that was made before.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { hasNodes, nodeProgram } from "../../scripts/build/nodes.ts"
import { cache, root } from "../../scripts/build/packages.ts"
import { bundle } from "../../scripts/release/npm.ts"
import { scenarios } from "../scenarios/conformance.ts"
import { fakeWorld } from "../support/conformance/fake-world.ts"
import { COLUMNS, dayOf, daysOf } from "../support/conformance/rows-of.ts"
import { childProcess, type Runner } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"

interface Runtime {
  readonly name: string
  /** what goes before the file */
  readonly command: () => readonly string[]
}

const OLDEST: Runtime = { name: "the oldest Node", command: () => [nodeProgram("oldest")] }
const OTHERS: readonly Runtime[] = [
  { name: "the newest Node", command: () => [nodeProgram("newest")] },
  { name: "Deno", command: () => [join(root, "node_modules/.bin/deno"), "run", "-A", "--quiet"] },
  { name: "Bun", command: () => [process.execPath] },
]
const runtimes = process.env.DRUIDSYNC_RUNTIMES === "all" ? [OLDEST, ...OTHERS] : [OLDEST]

const LIMIT_MS = 120_000

let folder: string
let file: string
let fake: FakeDruid

beforeAll(async () => {
  fake = await startFakeDruid()
  // Within the repository, whose node_modules has DuckDB.
  mkdirSync(cache, { recursive: true })
  folder = mkdtempSync(join(cache, "bundle-"))
  file = process.env.DRUIDSYNC_BUNDLE ?? join(folder, "druidsync.js")
  if (process.env.DRUIDSYNC_BUNDLE === undefined) writeFileSync(file, await bundle())
}, LIMIT_MS)
afterAll(async () => {
  await fake.stop()
  rmSync(folder, { recursive: true, force: true })
})

for (const { name, command } of runtimes) {
  describe.skipIf(name.includes("Node") && !hasNodes)(`the package for npm under ${name}`, () => {
    let runner: Runner
    beforeAll(() => {
      runner = childProcess(name, [...command(), file])
    }, LIMIT_MS)

    async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
      fake.reset()
      const stage = new Stage(fakeWorld(fake), runner)
      try {
        await play(stage)
      } finally {
        stage.close()
      }
    }

    for (const scenario of scenarios) it(scenario.name, () => onStage(scenario.play), LIMIT_MS)

    it(
      "copies a day that still streams beside one that is settled",
      async () => {
        await onStage(async (stage) => {
          await stage.world.create("streams", daysOf(["2024-01-01"], 20), { columns: COLUMNS })
          const rows = dayOf("2024-01-02", 5).map(({ added, ...row }) => ({
            ...row,
            added: added === null ? null : BigInt(added as number),
          }))
          fake.world.stream("streams", rows, { granularity: "DAY" })
          stage.config(["streams"])
          const { report } = await stage.pullExactly()
          expect(report.rowsFetched).toBe(25)
        })
      },
      LIMIT_MS,
    )
  })
}
