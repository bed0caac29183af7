/**
 * `npm test`: lint, types, build, the tests on the fake Druid, the live suite; all are run, whatever fails before. The
 * last line is `N passed, N failed`, the checks before the tests counted as one each. The live suite has the machine for
 * itself: on two processors both at once took as long, and left Druid short of them.
 */
import { bunTest, type Counts, run } from "./bun.ts"
import { liveSuite } from "./live.ts"

const isCi = process.env.CI !== undefined && process.env.CI !== "" && process.env.CI !== "false"

/** Files that run side by side. The slowest are begun first, so that none of them is left over at the end. */
const SIDE_BY_SIDE = ["--parallel=2", "--timings=scripts/test/timings.json"]

/** A program that passes or fails as a whole. */
async function check(command: readonly string[]): Promise<Counts> {
  const { exitCode, output } = await run(command)
  return exitCode === 0
    ? { passed: 1, failed: 0, skipped: 0, failures: [] }
    : { passed: 0, failed: 1, skipped: 0, failures: [output] }
}

async function live(): Promise<Counts> {
  const counts = await liveSuite([])
  // In CI a live test that did not run proves nothing.
  return isCi ? { ...counts, failed: counts.failed + counts.skipped, skipped: 0 } : counts
}

const totals = { passed: 0, failed: 0, skipped: 0 }
const failures: string[] = []

async function step(name: string, work: () => Promise<Counts>): Promise<void> {
  console.error(`\n=== ${name}`)
  const started = performance.now()
  const counts = await work().catch((error: unknown): Counts => {
    console.error(error)
    return { passed: 0, failed: 1, skipped: 0, failures: [String(error)] }
  })
  totals.passed += counts.passed
  totals.failed += counts.failed
  totals.skipped += counts.skipped
  failures.push(...counts.failures)
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.error(`=== ${name}: ${counts.failed === 0 ? "passed" : "FAILED"} in ${seconds} s`)
}

await step("lint", () => check(["node_modules/.bin/biome", "check", "."]))
await step("docs", () => check([process.execPath, "scripts/docs/write.ts", "--check"]))
await step("types", () => check(["node_modules/.bin/tsc", "--noEmit"]))
await step("build", () => check([process.execPath, "scripts/build/build.ts"]))
await step("unit and scenario tests", () =>
  bunTest([...SIDE_BY_SIDE, "--path-ignore-patterns", "test/live/**", "test"]),
)
await step("live suite on a real Druid", live)

// Thousands of lines are above, and a log may keep its end alone.
for (const failure of failures) console.log(`\n=== FAILED\n${failure}`)
const skipped = totals.skipped === 0 ? "" : `, ${totals.skipped} skipped`
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`)
process.exitCode = totals.failed === 0 ? 0 : 1
