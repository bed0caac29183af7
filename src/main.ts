/**
 * The program: wires the real clock, ids and signals, runs the command line, and is the one place where an error
 * becomes words and an exit code.
 */
import { randomUUID } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import { DruidsyncError, ExitCode } from "./base/errors.ts"
import { runCli } from "./commands/index.ts"
import type { CliContext } from "./kit/context.ts"
import { Outlet } from "./kit/outlet.ts"
import { endingSignals } from "./kit/signals.ts"
import { version } from "./kit/version.ts"

// What a run makes (spool, lock, database) is private to the user.
process.umask?.(0o077)

const interruption = new AbortController()
let signals = 0
for (const name of endingSignals(process.stderr.isTTY === true)) {
  process.on(name, () => {
    // The second one means: now. The file is safe at any moment; the spool is cleaned up by the next run.
    if (++signals > 1) process.exit(ExitCode.interrupted)
    interruption.abort(new DruidsyncError("interrupted", "interrupted"))
  })
}

const stdout = new Outlet(process.stdout, 1)
const stderr = new Outlet(process.stderr, 2)

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
  // A getter, because merely reading `process.stdin` opens it.
  get stdin() {
    return process.stdin
  },
  stdout,
  stderr,
  version: version(),
}

async function main(): Promise<number> {
  try {
    return await runCli(process.argv.slice(2), context)
  } catch (error) {
    const { describeError } = await import("./kit/text/error.ts")
    stderr.write(describeError(error, process.argv.includes("--verbose")))
    return error instanceof DruidsyncError ? error.exitCode : ExitCode.failed
  }
}

// Where nothing is left to wait for and no end was reached, the process ends by itself: that must not count as success.
process.exitCode = ExitCode.failed
main().then(async (code) => {
  process.exitCode = code
  await Promise.all([stdout.flush(), stderr.flush()])
  // Open sockets of cancelled requests must not keep the process; what had to be written is written.
  process.exit(code)
})
