/** Runs `bun test`, its output passed on as it comes, and reads what it counted. */
import { spawn } from "node:child_process"
import { resolve } from "node:path"
import { failuresIn } from "./failures.ts"

/** What a step of the tests counted. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** of those that failed, what was printed */
  readonly failures: readonly string[]
}

/** How much of a program's output is shown again where it failed as a whole. */
const ENDING_LINES = 60

export const root = resolve(import.meta.dirname, "../..")

/** A program's end, and all it wrote to stdout and stderr, in the order it came. */
export interface Ended {
  readonly exitCode: number
  readonly output: string
}

/** Runs a program in the repository's root; its output is shown at once. SIGINT and SIGTERM are passed on to it. */
export function run(
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Ended> {
  const [program, ...args] = command
  const child = spawn(program!, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let output = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text
    process.stdout.write(text)
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text
    process.stderr.write(text)
  })
  const pass = (signal: NodeJS.Signals) => child.kill(signal)
  process.on("SIGINT", pass).on("SIGTERM", pass)
  return new Promise((done, failed) => {
    child.once("error", failed)
    child.once("close", (code) => {
      process.off("SIGINT", pass).off("SIGTERM", pass)
      done({ exitCode: code ?? 1, output })
    })
  })
}

/** Runs `bun test` with these arguments. A crash, or a run without a summary, counts as a failure. */
export async function bunTest(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Counts> {
  const { exitCode, output } = await run([process.execPath, "test", "--timeout", "60000", ...args], env)
  return countsOf(output, exitCode)
}

/** Reads bun's summary: the last lines of the form ` 12 pass`. Pure. */
export function countsOf(output: string, exitCode: number): Counts {
  const last = (word: string) => {
    const found = [...output.matchAll(new RegExp(`^ *(\\d+) ${word}$`, "gm"))].at(-1)
    return found === undefined ? undefined : Number(found[1])
  }
  const passed = last("pass")
  const failed = last("fail")
  const skipped = (last("skip") ?? 0) + (last("todo") ?? 0)
  const failures = failuresIn(output)
  if (passed === undefined || failed === undefined)
    return { passed: passed ?? 0, failed: 1, skipped, failures: [...failures, ending(output)] }
  // Errors outside of tests (a hook, an unhandled rejection) end bun with 1 and are in no count.
  if (exitCode !== 0 && failed === 0)
    return { passed, failed: 1, skipped, failures: [...failures, ending(output)] }
  return { passed, failed, skipped, failures }
}

function ending(output: string): string {
  return output.split("\n").slice(-ENDING_LINES).join("\n")
}
