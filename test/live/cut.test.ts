/** Druid ends a query early with HTTP 200 and whole rows: by its own timeout, by a limit. Never taken for complete. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "bun:test"
import { existsSync } from "node:fs"
import type { Druid } from "../../scripts/druid/index.ts"
import { query, readTable } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { executable } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import { datasets, loadedDruid, tag } from "./support.ts"

const wiki = datasets[0]!.datasource
let druid: Druid
let stage: Stage

beforeAll(async () => {
  druid = await loadedDruid()
}, 400_000)
beforeEach(() => {
  stage = new Stage(liveWorld(druid, tag), executable())
})
afterEach(() => stage.close())

interface Answer {
  readonly status: number
  readonly lines: number
  readonly complete: boolean
}

/** The whole datasource with this query context, and how the answer ended. */
async function scan(context: Record<string, unknown>): Promise<Answer> {
  const response = await fetch(`${druid.routerUrl}/druid/v2/sql`, {
    method: "POST",
    headers: { "content-type": "application/json", "accept-encoding": "identity" },
    body: JSON.stringify({ query: `SELECT * FROM "${wiki}"`, resultFormat: "arrayLines", context }),
  })
  const text = await response.text()
  const lines = text.split("\n").filter((line) => line.startsWith("[")).length
  return { status: response.status, lines, complete: text.endsWith("\n\n") }
}

const isSilentCut = ({ status, lines, complete }: Answer) => status === 200 && lines > 0 && !complete

/**
 * A pull whose queries are cut again and again: it asks for smaller and smaller pieces, with its waits in between, which
 * can take minutes. After 20 s it is interrupted: what it has stored by then must be true as well.
 */
async function pullForAWhile(): Promise<number | null> {
  const running = executable().start(stage.args("--json"))
  const timer = setTimeout(() => running.kill("SIGINT"), 20_000)
  const { exitCode } = await running.result
  clearTimeout(timer)
  return exitCode
}

/** Whatever the pull says, it must be so. */
async function expectNoFalseSuccess(exitCode: number | null): Promise<void> {
  if (exitCode === 0) return stage.expectEqual(wiki)
  if (!existsSync(stage.out)) return
  const [state] = await query(stage.out, "SELECT status FROM _sync_state")
  if (state === undefined) return
  expect(state.status).not.toBe("complete")
  await stage.expectTruthfulState(wiki)
}

describe("a query that Druid cuts in mid-stream", () => {
  it("by a limit on what servers may send, is not taken for complete, and the next pull completes", async () => {
    // The greatest that cuts: the fewest pieces, and each failed piece costs its retries.
    let context: { maxScatterGatherBytes: number } | undefined
    for (const maxScatterGatherBytes of [20, 16, 12, 9, 6].map((megabytes) => megabytes * 1_000_000)) {
      if (context === undefined && isSilentCut(await scan({ maxScatterGatherBytes })))
        context = { maxScatterGatherBytes }
    }
    if (context === undefined) throw new Error("Druid cuts at no limit")
    stage.config([wiki], { context })
    await expectNoFalseSuccess(await pullForAWhile())
    stage.config([wiki])
    await stage.pullExactly()
  }, 300_000)

  it("by its own timeout, is not taken for complete, and the next pull completes", async () => {
    let timeout = 0
    for (const ms of [
      100, 150, 200, 300, 400, 600, 800, 1_200, 1_600, 2_400, 100, 200, 300, 400, 600, 800, 1_200,
    ]) {
      if (!isSilentCut(await scan({ timeout: ms }))) continue
      timeout = ms
      break
    }
    expect(timeout).toBeGreaterThan(0)
    stage.config([wiki], { queryTimeout: `${timeout}ms` })
    const exitCode = await pullForAWhile()
    await expectNoFalseSuccess(exitCode)
    if (existsSync(stage.out)) {
      const table = await readTable(stage.out, stage.tableOf(wiki)).catch(() => undefined)
      if (exitCode !== 0 && table !== undefined)
        expect(table.rows.size).toBeLessThanOrEqual(datasets[0]!.rowCount)
    }
    stage.config([wiki])
    await stage.pullExactly()
  }, 300_000)
})
