/**
 * `npm run test:long`: all that `npm test` does, and the whole of what that plays a part of: thousands of random histories
 * with a seed of their own, every fault at every place, every point to crash at, all runtimes, the whole live suite. Takes
 * an hour or two. Each number can be set to another one: `DRUIDSYNC_MODEL_RUNS=20000 npm run test:long`.
 */
import { runSuite } from "./steps.ts"

const seed = process.env.DRUIDSYNC_MODEL_SEED ?? String(Date.now() % 1_000_000)

const LONG = {
  DRUIDSYNC_MODEL_RUNS: "2000",
  DRUIDSYNC_MOVES_RUNS: "1000",
  DRUIDSYNC_LOOKUP_RUNS: "500",
  DRUIDSYNC_FAULTS: "all",
  DRUIDSYNC_CRASH_ALL: "1",
  DRUIDSYNC_RUNTIMES: "all",
  DRUIDSYNC_KILLS: "40",
  DRUIDSYNC_LIVE_SEED: seed,
}
const given = Object.fromEntries(
  Object.keys(LONG).flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  }),
)
const env = { ...LONG, DRUIDSYNC_MODEL_SEED: seed, ...given }

const again = Object.entries(env).map(([name, value]) => `${name}=${value}`)
console.error(`The same once more: ${again.join(" ")} npm run test:long`)
await runSuite({ live: "whole", env })
