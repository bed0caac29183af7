/**
 * SIGKILL at every boundary of the loop, one after the other: whatever the process was about to do or had just done, the
 * file opens, holds only what is proven, and the next pull brings it to what Druid holds and leaves nothing behind.
 */
import { afterAll, beforeAll, describe, expect, it } from "bun:test"
import { spawn } from "node:child_process"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { Scenario } from "../faults/scenario.ts"

/** Runs beside each other; each has a file of its own. */
const WORKERS = 2
/** A run has about 250 boundaries; where there are far more, something goes round in circles. */
const MOST = 1_000

let scenario: Scenario

beforeAll(async () => {
  scenario = await Scenario.open()
  scenario.proxy.arm()
}, 60_000)
afterAll(() => scenario.close())

/** @returns the boundary at which it died; undefined where it came to its end */
function die(out: string, n: number): Promise<string | undefined> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dir, "child.ts"), scenario.configPath, out, String(n)],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  )
  let said = ""
  child.stdout.on("data", (piece: Buffer) => {
    said += piece.toString()
  })
  child.stderr.on("data", (piece: Buffer) => {
    said += piece.toString()
  })
  return new Promise((resolve, reject) => {
    child.once("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(said.trim())
      else if (code === 0) resolve(undefined)
      else reject(new Error(`the child ended with ${code ?? signal}: ${said}`))
    })
  })
}

async function sweep(
  prepare: (out: string) => void,
): Promise<{ wrong: string[]; boundaries: Set<string>; runs: number }> {
  const wrong: string[] = []
  const boundaries = new Set<string>()
  let next = 1
  let isOver = false
  const worker = async (name: string) => {
    const out = join(scenario.folder, `${name}.duckdb`)
    while (!isOver && next <= MOST) {
      const n = next++
      prepare(out)
      const boundary = await die(out, n)
      if (boundary === undefined) {
        isOver = true
        return
      }
      boundaries.add(boundary)
      const must = (holds: boolean, otherwise: string) => {
        if (!holds) wrong.push(`${n}, ${boundary}: ${otherwise}`)
      }
      if (existsSync(out)) {
        const { proven } = await scenario.look(out)
        must(proven === undefined, `not a proven state: ${proven}`)
      }
      const pulled = await scenario.pull({}, out)
      must(pulled.exitCode === 0, `the next pull: exit ${pulled.exitCode}: ${pulled.message}`)
      const { equal } = await scenario.look(out)
      must(equal === undefined, `after the next pull: ${equal}`)
      must(scenario.leftovers(out).length === 0, `left behind: ${scenario.leftovers(out)}`)
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, (_, n) => worker(`worker-${n}`)))
  return { wrong, boundaries, runs: next - 1 }
}

describe("SIGKILL at every boundary", () => {
  it("of an update that adds, replaces and streams: the next pull is complete", async () => {
    const { wrong, boundaries, runs } = await sweep((out) => scenario.reset(out))
    expect(wrong).toEqual([])
    const names = [...boundaries].join("\n")
    for (const step of [
      "before engine.run COMMIT",
      "after engine.run COMMIT",
      "after druid.spool",
      "before engine.run DETACH",
    ])
      expect(names).toContain(step)
    expect(runs).toBeGreaterThan(150)
    expect(runs).toBeLessThan(MOST)
  }, 900_000)

  it("of a first copy: the next pull is complete", async () => {
    const { wrong, runs } = await sweep((out) => rmSync(out, { force: true }))
    expect(wrong).toEqual([])
    expect(runs).toBeGreaterThan(150)
    expect(runs).toBeLessThan(MOST)
  }, 900_000)
})
