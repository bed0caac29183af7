/**
 * The model-based test: random histories of a Druid (history.ts), with pulls that are killed, crash, or meet faults and
 * changes; after each of them the file is held to the invariants (check.ts). A failure prints its seed and the smallest
 * history found, with the command that plays it again.
 *
 *     DRUIDSYNC_MODEL_RUNS=20000 DRUIDSYNC_MODEL_SEED=7 bun test test/model/model.test.ts
 *
 * Without other files beside it, `DRUIDSYNC_MODEL_PROCESSES=2` has two processors share the work.
 */
import { afterAll, describe, expect, it } from "bun:test"
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"

const RUNS = Number(process.env.DRUIDSYNC_MODEL_RUNS ?? 500)
/** The same histories in every run of CI, so that what fails was broken by the change at hand; others are asked for. */
const SEED = Number(process.env.DRUIDSYNC_MODEL_SEED ?? 20_780)
const PROCESSES = Number(process.env.DRUIDSYNC_MODEL_PROCESSES ?? 1)
const TIMEOUT_MS = 60_000 + RUNS * 3_000

const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill()
})

interface Totals {
  readonly histories: number
  readonly pulls: number
  readonly died: number
  readonly interrupted: number
  readonly rowsPastBroker: number
  readonly exits: Readonly<Record<string, number>>
}

/** @returns what the worker did; throws its last words where a history failed */
function work(runs: number, seed: number): Promise<Totals> {
  const worker = spawn(process.execPath, [join(import.meta.dirname, "worker.ts"), `${runs}`, `${seed}`], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  children.push(worker)
  let said = ""
  worker.stdout.on("data", (bytes: Buffer) => {
    said += bytes.toString("utf8")
  })
  worker.stderr.on("data", (bytes: Buffer) => {
    said += bytes.toString("utf8")
  })
  return new Promise((resolve, reject) => {
    worker.on("error", reject)
    worker.on("close", (code) => {
      if (code !== 0) reject(new Error(`worker ${seed} ended with ${code}\n${said}`))
      else resolve(JSON.parse(said.trim().split("\n").at(-1)!) as Totals)
    })
  })
}

describe("random histories", () => {
  it(
    `leave a copy that is equal to Druid, or proven in all that it calls complete (seed ${SEED})`,
    async () => {
      const each = Math.ceil(RUNS / PROCESSES)
      const workers = Array.from({ length: PROCESSES }, (_, n) => work(each, SEED * PROCESSES + n))
      const totals = await Promise.all(workers)
      const sum = (of: (one: Totals) => number) => totals.reduce((all, one) => all + of(one), 0)
      expect(sum((one) => one.histories)).toBeGreaterThanOrEqual(RUNS)
      // The histories are worth something only while they reach what they are about.
      if (RUNS < 500) return
      expect(sum((one) => one.pulls)).toBeGreaterThan(RUNS * 3)
      expect(sum((one) => one.died)).toBeGreaterThan(RUNS / 40)
      expect(sum((one) => one.interrupted)).toBeGreaterThan(RUNS / 100)
      expect(sum((one) => one.rowsPastBroker)).toBeGreaterThan(RUNS)
      for (const code of ["0", "1", "3", "4"])
        expect(sum((one) => one.exits[code] ?? 0)).toBeGreaterThan(RUNS / 100)
    },
    TIMEOUT_MS,
  )
})
