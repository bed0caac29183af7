/**
 * SIGKILL at random moments of a pull, on a real Druid with the executable: the file opens, says the truth about what
 * it holds, and the next pull completes it without fetching again what was committed. The seed is printed; set
 * DRUIDSYNC_SEED to repeat it and DRUIDSYNC_KILLS for more than the usual number.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { copyFileSync, existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { Random } from "../../scripts/druid/datasets/random.ts"
import { type Druid, wikipedia } from "../../scripts/druid/index.ts"
import { fileDifference, query, tableNames } from "../support/conformance/duckdb.ts"
import { liveWorld } from "../support/conformance/live-world.ts"
import { executable } from "../support/conformance/runner.ts"
import { Stage } from "../support/conformance/stage.ts"
import type { InputRow, World } from "../support/conformance/world.ts"
import { liveDruid, tag } from "./support.ts"

const kills = Number(process.env.DRUIDSYNC_KILLS ?? 8)
const seed = Number(process.env.DRUIDSYNC_SEED ?? Date.now() % 1_000_000)
/** of half of the kills; each is a pull that dies and one that completes */
const TIME_LIMIT_MS = 100_000 + kills * 15_000
/** small slices: many commits to die in */
const settings = { sliceRows: 1_000, concurrency: 2 }

let druid: Druid
let world: World
let stage: Stage
let datasource: string
const random = new Random(seed)

beforeAll(async () => {
  console.error(`killed.test.ts: DRUIDSYNC_SEED=${seed}`)
  druid = await liveDruid()
  world = liveWorld(druid, tag)
  datasource = world.name("killed")
  const dataset = wikipedia({ rows: 20_000, days: 6, seed: 11 })
  await world.create(datasource, inputRows(dataset), { columns: kinds(dataset) })
  stage = new Stage(world, executable())
  stage.config([{ name: datasource, table: "killed" }], settings)
  await stage.pullExactly()
}, 200_000)
afterAll(() => stage?.close())

describe("a pull that is killed", () => {
  it(
    `at ${Math.ceil(kills / 2)} random moments of a first copy, is completed by the next one`,
    async () => {
      await killedOften(Math.ceil(kills / 2), undefined)
    },
    TIME_LIMIT_MS,
  )

  it(
    `at ${Math.floor(kills / 2)} random moments of replacing days and adding others, is completed by the next one`,
    async () => {
      const before = join(stage.folder, "before.duckdb")
      copyFileSync(stage.out, before)
      // two days anew, late rows in a third, one day more
      const again = wikipedia({ rows: 6_000, days: 2, seed: 12 })
      await world.overwrite(datasource, inputRows(again))
      const more = wikipedia({ rows: 7_000, days: 3, start: "2016-06-05", seed: 13 })
      await world.append(datasource, inputRows(more))
      await stage.pullExactly()
      await killedOften(Math.floor(kills / 2), before)
    },
    TIME_LIMIT_MS,
  )
})

/** @param start the file to begin with; undefined: none. `stage.out` is what must come out, proven before. */
async function killedOften(times: number, start: string | undefined): Promise<void> {
  const victim = join(stage.folder, "victim.duckdb")
  const args = ["pull", "--config", stage.configPath, "--out", victim, "--json"]
  const prepare = () => {
    for (const path of [victim, `${victim}.wal`, `${victim}.druidsync`])
      rmSync(path, { recursive: true, force: true })
    if (start !== undefined) copyFileSync(start, victim)
  }
  prepare()
  const started = performance.now()
  const undisturbed = await executable().run(args)
  const tookMs = performance.now() - started
  expect(undisturbed.exitCode).toBe(0)
  const wanted = (JSON.parse(undisturbed.stdout) as { rowsFetched: number }).rowsFetched
  const died = { before: 0, within: 0, after: 0 }
  for (let n = 0; n < times; n++) {
    prepare()
    const afterMs = Math.floor(random.float() * tookMs * 1.05)
    const label = `kill ${n + 1} of ${times}, after ${afterMs} ms, DRUIDSYNC_SEED=${seed}`
    const running = executable().start(args)
    await delay(afterMs)
    running.kill("SIGKILL")
    const { exitCode } = await running.result
    const held = existsSync(victim) ? await rowsHeld(victim, label) : 0
    if (exitCode === 0) died.after++
    else if (held > 0) died.within++
    else died.before++

    const rerun = await executable().run(args)
    if (rerun.exitCode !== 0) throw new Error(`${label}: exit ${rerun.exitCode}: ${rerun.stderr}`)
    const fetched = (JSON.parse(rerun.stdout) as { rowsFetched: number }).rowsFetched
    expect({ label, ...(await fileDifference(victim, stage.out, "killed")) }).toEqual({
      label,
      extra: 0,
      missing: 0,
    })
    // What was committed is not fetched again, but for a chunk whose replacement was under way.
    if (start === undefined) expect({ label, rows: held + fetched }).toEqual({ label, rows: wanted })
    else expect(fetched).toBeLessThanOrEqual(wanted)
  }
  console.error(`killed.test.ts: ${JSON.stringify(died)} of a pull of ${Math.round(tookMs)} ms`)
}

/** The rows that the file says it holds, after a look whether that is so. */
async function rowsHeld(path: string, label: string): Promise<number> {
  if (!(await tableNames(path)).includes("killed")) return 0
  const [state] = await query(
    path,
    "SELECT rows::INTEGER AS rows, epoch_ms(cursor) AS cursor FROM _sync_state",
  )
  const [table = {}] = await query(
    path,
    "SELECT count(*)::INTEGER AS rows, epoch_ms(max(__time)) AS cursor FROM killed",
  )
  expect<unknown>({ label, ...state }).toEqual({ label, ...table })
  const wrong = await query(
    path,
    `SELECT "interval", rows, (SELECT count(*) FROM killed WHERE epoch_ms(__time) >= start_ms AND epoch_ms(__time) < end_ms) AS held
     FROM _sync_chunks WHERE rows <> held`,
  )
  expect({ label, wrong }).toEqual({ label, wrong: [] })
  return Number(table.rows)
}

function inputRows(dataset: ReturnType<typeof wikipedia>): InputRow[] {
  return [...dataset.rows()].map(
    (row) => Object.fromEntries(dataset.columns.map(({ name }, n) => [name, row[n]])) as InputRow,
  )
}

function kinds(dataset: ReturnType<typeof wikipedia>) {
  const of = {
    VARCHAR: "string",
    BIGINT: "long",
    DOUBLE: "double",
    FLOAT: "float",
    TIMESTAMP: "long",
  } as const
  const columns = dataset.columns.filter(({ name }) => name !== "__time")
  return Object.fromEntries(columns.map(({ name, type }) => [name, of[type]]))
}
