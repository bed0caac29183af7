/**
 * SIGKILL at every boundary of the loop, one after the other: whatever the process was about to do or had just done, the
 * file opens, holds only what is proven, and the next pull brings it to what Druid holds and leaves nothing behind. A
 * boundary at which the disk holds the very bytes that it held at the one before is the same experiment once more, and is
 * left out, unless it is one of those below. Of what is left, each kind of statement or event is struck when it comes
 * first, in the middle, and last; of an update of groups, every kind of change in a commit. `DRUIDSYNC_CRASH_ALL=1` plays
 * every boundary.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { spawn } from "node:child_process"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { Scenario } from "../faults/scenario.ts"
import { GROUPS } from "../faults/shape.ts"

/** Runs beside each other; each has a file of its own. */
const WORKERS = 2
const ALL = process.env.DRUIDSYNC_CRASH_ALL === "1"
/** Boundaries by what their names begin with: played in any case, and at each kind of them the process must have died. */
const STEPS = [
  ...[
    "BEGIN",
    "COMMIT",
    "DETACH file",
    "INSERT INTO file._sync_chunks",
    "ATTACH 'OUT.druidsync/lock'",
  ].flatMap((sql) => [`before engine.run ${sql}`, `after engine.run ${sql}`]),
  "after druid.spool",
]
let scenario: Scenario
let ofGroups: Scenario

beforeAll(async () => {
  scenario = await Scenario.open()
  ofGroups = await Scenario.open(undefined, GROUPS)
  for (const { proxy } of [scenario, ofGroups]) proxy.arm()
}, 60_000)
afterAll(async () => {
  await scenario.close()
  await ofGroups.close()
})

interface Boundary {
  readonly name: string
  /** which one of that name */
  readonly nth: number
}

/** @returns what it printed, or undefined where it died as it was told to. @throws Error where it failed */
function child({ configPath }: Scenario, out: string, at?: Boundary): Promise<string | undefined> {
  const target = at === undefined ? [] : [at.name, String(at.nth)]
  const process_ = spawn(process.execPath, [join(import.meta.dir, "child.ts"), configPath, out, ...target], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  const said: Buffer[] = []
  process_.stdout.on("data", (piece: Buffer) => said.push(piece))
  process_.stderr.on("data", (piece: Buffer) => said.push(piece))
  return new Promise((resolve, reject) => {
    process_.once("close", (code, signal) => {
      const text = Buffer.concat(said).toString("utf8")
      if (signal === "SIGKILL") resolve(undefined)
      else if (code === 0) resolve(text)
      else reject(new Error(`the child ended with ${code ?? signal}: ${text}`))
    })
  })
}

/** What a run from some state passes, in order, and whether the disk holds something new there. */
interface Passed extends Boundary {
  readonly isNew: boolean
}

async function boundariesOf(of: Scenario, prepare: (out: string) => void): Promise<Passed[]> {
  const out = join(of.folder, "whole.duckdb")
  prepare(out)
  const lines = ((await child(of, out)) ?? "").trim().split("\n")
  const counts = new Map<string, number>()
  let held = ""
  return lines.map((line): Passed => {
    const [name, disk] = line.split("\t") as [string, string]
    const nth = (counts.get(name) ?? 0) + 1
    counts.set(name, nth)
    const isNew = disk !== held
    held = disk
    return { name, nth, isNew }
  })
}

/** Which boundaries to die at. Pure. */
type Choice = (passed: readonly Passed[]) => readonly Boundary[]

const isStep = ({ name }: Boundary) => STEPS.some((step) => name.startsWith(step))

/** Of each name three at most. */
const firstMiddleLast: Choice = (passed) => {
  const telling = passed.filter((one) => one.isNew || isStep(one))
  return telling.filter((one) => {
    const alike = telling.filter(({ name }) => name === one.name)
    return [alike[0], alike[alike.length >> 1], alike.at(-1)].includes(one)
  })
}

/** Every kind of statement that changes something in the first commit, and each of the steps. */
const ofCommit: Choice = (passed) => {
  const begin = passed.findIndex(({ name }) => name === "before engine.run BEGIN")
  const end = passed.findIndex(({ name }) => name === "before engine.run COMMIT")
  const statements = passed
    .slice(begin, end)
    .filter(
      ({ name }, n, all) =>
        /^before engine\.(run|change) /.test(name) && all.findIndex((one) => one.name === name) === n,
    )
  const steps = STEPS.flatMap((step) => passed.find(({ name }) => name.startsWith(step)) ?? [])
  return [...new Set([...statements, ...steps])]
}

interface Sweep {
  /** boundaries of the run, those left out among them */
  readonly all: number
  readonly wrong: readonly string[]
  /** boundaries that the process died at */
  readonly died: readonly string[]
  /** boundaries that did not come in that run: two downloads do not always take the same turns */
  readonly missed: readonly string[]
}

async function sweep(of: Scenario, prepare: (out: string) => void, choice: Choice): Promise<Sweep> {
  const passed = await boundariesOf(of, prepare)
  const left = [...(ALL ? passed : choice(passed))]
  const wrong: string[] = []
  const died: string[] = []
  const missed: string[] = []
  const worker = async (name: string) => {
    const out = join(of.folder, `${name}.duckdb`)
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      prepare(out)
      const text = `${at.name} (${at.nth})`
      if ((await child(of, out, at)) !== undefined) {
        missed.push(text)
        continue
      }
      died.push(text)
      const must = (holds: boolean, otherwise: string) => {
        if (!holds) wrong.push(`${text}: ${otherwise}`)
      }
      if (existsSync(out)) {
        const { proven } = await of.look(out)
        must(proven === undefined, `not a proven state: ${proven}`)
      }
      const pulled = await of.pull({}, out)
      must(pulled.exitCode === 0, `the next pull: exit ${pulled.exitCode}: ${pulled.message}`)
      const { equal } = await of.look(out)
      must(equal === undefined, `after the next pull: ${equal}`)
      must(of.leftovers(out).length === 0, `left behind: ${of.leftovers(out)}`)
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, (_, n) => worker(`worker-${n}`)))
  return { all: passed.length, wrong, died, missed }
}

function mustBeWhole({ all, wrong, died, missed }: Sweep, least: number): void {
  expect(wrong).toEqual([])
  expect(all).toBeGreaterThan(150)
  expect(died.length).toBeGreaterThan(ALL ? 150 : least)
  expect(missed.length).toBeLessThan(died.length / 10)
  for (const step of STEPS) expect(died.filter((name) => name.startsWith(step)).length).toBeGreaterThan(0)
}

describe("SIGKILL at every boundary", () => {
  it("of an update that adds, replaces and streams: the next pull is complete", async () => {
    mustBeWhole(await sweep(scenario, (out) => scenario.reset(out), firstMiddleLast), 30)
  }, 1_200_000)

  it("of a first copy: the next pull is complete", async () => {
    mustBeWhole(await sweep(scenario, (out) => rmSync(out, { force: true }), firstMiddleLast), 30)
  }, 1_200_000)

  it("of an update of groups: the next pull is complete", async () => {
    const swept = await sweep(ofGroups, (out) => ofGroups.reset(out), ofCommit)
    mustBeWhole(swept, STEPS.length - 1)
  }, 1_200_000)
})
