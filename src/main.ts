/**
 * The program: wires the real clock, ids and signals, runs the command line, and is the one place where an error
 * becomes words and an exit code.
 */
import { randomUUID } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import { DruidsyncError, ExitCode } from "./base/errors.ts"
import { runCli } from "./commands/index.ts"
import type { CliContext } from "./kit/context.ts"
import { version } from "./kit/version.ts"

// What a run makes (spool, lock, database) is private to the user.
process.umask?.(0o077)

const interruption = new AbortController()
let signals = 0
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // The second one means: now. The file is safe at any moment; the spool is cleaned up by the next run.
    if (++signals > 1) process.exit(ExitCode.interrupted)
    interruption.abort(new DruidsyncError("interrupted", "interrupted", { exitCode: ExitCode.interrupted }))
  })
}
// A reader that went away (`druidsync … | head`) is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(ExitCode.ok)
  throw error
})

const context: CliContext = {
  env: process.env,
  clock: {
    nowMs: () => performance.timeOrigin + performance.now(),
    sleep: async (ms, signal) => {
      await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error) => {
        throw signal?.aborted ? signal.reason : error
      })
    },
  },
  newId: randomUUID,
  signal: interruption.signal,
  // Opened only by who reads it: a getter, since looking at process.stdin is enough to open it.
  get stdin() {
    return process.stdin
  },
  stdout: process.stdout,
  stderr: process.stderr,
  version: version(),
}

async function main(): Promise<number> {
  try {
    return await runCli(process.argv.slice(2), context)
  } catch (error) {
    const { describeError } = await import("./kit/text/error.ts")
    process.stderr.write(describeError(error, process.argv.includes("--verbose")))
    return error instanceof DruidsyncError ? error.exitCode : ExitCode.failed
  }
}

// Where nothing is left to wait for and no end was reached, the process ends by itself: that must not count as success.
process.exitCode = ExitCode.failed
main().then((code) => {
  process.exitCode = code
  // Open sockets of cancelled requests must not keep the process; what had to be written is written.
  const flush = () => process.exit(code)
  if (process.stdout.writableLength === 0) flush()
  else process.stdout.once("drain", flush)
})
