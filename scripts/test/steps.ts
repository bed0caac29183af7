/**
 * The steps of a whole run of the tests, one after the other; all are run, whatever fails before. The last line is
 * `N passed, N failed`, the checks before the tests counted as one each.
 */
import { bunTest, type Counts, run } from "./bun.ts"
import { type LivePart, liveSuite } from "./live.ts"

/** Files that run side by side. The slowest are begun first, so that none of them is left over at the end. */
const SIDE_BY_SIDE = ["--parallel=2", "--timings=scripts/test/timings.json"]

const isCi = process.env.CI !== undefined && process.env.CI !== "" && process.env.CI !== "false"

export interface Suite {
  /** of the live suite; it has the machine for itself: on two processors, beside the others, it took as long */
  readonly live: LivePart
  /** how much the tests do, as their own files describe it */
  readonly env?: Readonly<Record<string, string>>
}

/** Runs everything, prints what failed once more at the end, and sets the exit code. */
export async function runSuite({ live, env = {} }: Suite): Promise<void> {
  const all: Counts[] = []
  const step = async (name: string, work: () => Promise<Counts>) => {
    console.error(`\n=== ${name}`)
    const started = performance.now()
    const counts = await work().catch((error: unknown): Counts => {
      console.error(error)
      return { passed: 0, failed: 1, skipped: 0, failures: [String(error)] }
    })
    all.push(counts)
    const seconds = ((performance.now() - started) / 1000).toFixed(0)
    console.error(`=== ${name}: ${counts.failed === 0 ? "passed" : "FAILED"} in ${seconds} s`)
  }

  await step("lint", () => check(["npm", "run", "--silent", "lint"]))
  await step("types", () => check(["npm", "run", "--silent", "types"]))
  await step("docs", () => check(["npm", "run", "--silent", "docs", "--", "--check"]))
  await step("build", () => check(["npm", "run", "--silent", "build"]))
  await step("unit and scenario tests", () =>
    bunTest([...SIDE_BY_SIDE, "--path-ignore-patterns", "test/live/**", "test"], env),
  )
  await step("live suite on a real Druid", async () => {
    const counts = await liveSuite([], { part: live, env })
    // In CI a live test that did not run proves nothing.
    return isCi ? { ...counts, failed: counts.failed + counts.skipped, skipped: 0 } : counts
  })

  // Thousands of lines are above, and a log may keep its end alone.
  for (const failure of all.flatMap((counts) => counts.failures)) console.log(`\n=== FAILED\n${failure}`)
  const sum = (of: "passed" | "failed" | "skipped") => all.reduce((total, counts) => total + counts[of], 0)
  const skipped = sum("skipped") === 0 ? "" : `, ${sum("skipped")} skipped`
  console.log(`${sum("passed")} passed, ${sum("failed")} failed${skipped}`)
  process.exitCode = sum("failed") === 0 ? 0 : 1
}

/** A program that passes or fails as a whole. */
async function check(command: readonly string[]): Promise<Counts> {
  const { exitCode, output } = await run(command)
  return exitCode === 0
    ? { passed: 1, failed: 0, skipped: 0, failures: [] }
    : { passed: 0, failed: 1, skipped: 0, failures: [output] }
}
