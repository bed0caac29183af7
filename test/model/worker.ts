/**
 * Plays random histories in a process of its own, so that the test uses both processors of a small machine:
 *
 *     bun test/model/worker.ts RUNS SEED
 *     bun test/model/worker.ts --replay '{"datasources":1,…}'
 *
 * Ends with exit code 1 and the smallest failing history found, which the second form plays again.
 */
import fc from "fast-check"
import { type History, histories } from "./history.ts"
import { play } from "./play.ts"
import { Rig } from "./rig.ts"

/** Looking for a smaller failing history ends after this, ms. */
const SHRINK_MS = 60_000

const rig = await Rig.open()
const totals = {
  histories: 0,
  pulls: 0,
  died: 0,
  interrupted: 0,
  rowsPastBroker: 0,
  exits: {} as Record<number, number>,
}

async function one(history: History): Promise<void> {
  const played = await play(rig, history)
  totals.histories++
  totals.pulls += played.pulls
  totals.died += played.died
  totals.interrupted += played.interrupted
  totals.rowsPastBroker += played.rowsPastBroker
  for (const code of played.exits) totals.exits[code] = (totals.exits[code] ?? 0) + 1
}

async function search(runs: number, seed: number): Promise<boolean> {
  let failedAt: number | undefined
  const property = fc.asyncProperty(histories, async (history) => {
    if (failedAt !== undefined) fc.pre(performance.now() - failedAt < SHRINK_MS)
    try {
      await one(history)
    } catch (error) {
      failedAt ??= performance.now()
      throw error
    }
  })
  const result = await fc.check(property, { numRuns: runs, seed })
  if (!result.failed) return true
  const [history] = result.counterexample ?? []
  const { errorInstance: error } = result
  console.log(`seed ${result.seed}, path ${result.counterexamplePath}, after ${totals.histories} histories`)
  console.log(error instanceof Error ? error.message : String(error))
  if (error instanceof Error && error.cause instanceof Error) console.log(error.cause.stack)
  console.log(`Play it again:\nbun test/model/worker.ts --replay '${JSON.stringify(history)}'`)
  return false
}

let passed: boolean
try {
  if (process.argv[2] === "--replay") {
    await one(JSON.parse(process.argv[3]!) as History)
    passed = true
  } else passed = await search(Number(process.argv[2]), Number(process.argv[3]))
} finally {
  await rig.close()
}
console.log(JSON.stringify(totals))
process.exit(passed ? 0 : 1)
