/**
 * Ways to run the program: within the test's process with a clock of its own (quick, no waiting for retries), or as
 * the user does, as a child process from the sources or the built executable.
 */
import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { DruidsyncError, ExitCode } from "../../../src/base/errors.ts"
import { runCli } from "../../../src/commands/index.ts"
import { describeError } from "../../../src/kit/text/error.ts"
import type { PullReport } from "../../../src/pull/document.ts"

export interface Result {
  /** null where a signal ended the process */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly pid: number
  kill(signal: NodeJS.Signals): void
  readonly result: Promise<Result>
  /** what came on stderr so far */
  readonly stderr: () => string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** instead of the whole environment of the test */
  readonly bareEnv?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface Runner {
  readonly name: string
  start(args: readonly string[], options?: RunOptions): Running
  run(args: readonly string[], options?: RunOptions): Promise<Result>
}

export const root = resolve(import.meta.dir, "../../..")

/** What `pull --json` printed. */
export function reportOf(result: Result): PullReport {
  try {
    return JSON.parse(result.stdout) as PullReport
  } catch {
    throw new Error(`no report: exit ${result.exitCode}\n${result.stdout}\n${result.stderr}`)
  }
}

/**
 * The command line in this process. Sleeping moves its clock and takes no time; `kill` stands for a first signal.
 * @param nowMs what the clock shows when nothing sleeps
 */
export function inProcess(nowMs: () => number = Date.now): Runner {
  const start = (args: readonly string[], options: RunOptions = {}): Running => {
    const out: string[] = []
    const err: string[] = []
    const interruption = new AbortController()
    let slept = 0
    const context = {
      env: options.bareEnv ?? { ...process.env, ...options.env },
      clock: {
        nowMs: () => nowMs() + slept,
        sleep: async (ms: number, signal?: AbortSignal) => {
          signal?.throwIfAborted()
          slept += ms
          await new Promise((done) => setImmediate(done))
          signal?.throwIfAborted()
        },
      },
      newId: randomUUID,
      signal: interruption.signal,
      stdout: { write: (text: string) => out.push(text) },
      stderr: { write: (text: string) => err.push(text) },
      version: "0.0.0-test",
    }
    const work = async (): Promise<Result> => {
      let exitCode: number
      try {
        exitCode = await runCli(args, context)
      } catch (error) {
        context.stderr.write(describeError(error, false))
        exitCode = error instanceof DruidsyncError ? error.exitCode : ExitCode.failed
      }
      return { exitCode, stdout: out.join(""), stderr: err.join("") }
    }
    return {
      pid: process.pid,
      kill: () =>
        interruption.abort(
          new DruidsyncError("interrupted", "interrupted", { exitCode: ExitCode.interrupted }),
        ),
      result: work(),
      stderr: () => err.join(""),
    }
  }
  return { name: "in process", start, run: (args, options) => start(args, options).result }
}

/** The program as a process of its own. */
export function childProcess(name: string, command: readonly string[]): Runner {
  const start = (args: readonly string[], options: RunOptions = {}): Running => {
    const [program, ...first] = command
    const child = spawn(program!, [...first, ...args], {
      cwd: options.cwd ?? root,
      env: { ...(options.bareEnv ?? { ...process.env, ...options.env }) },
      stdio: ["ignore", "pipe", "pipe"],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on("data", (piece: Buffer) => out.push(piece))
    child.stderr.on("data", (piece: Buffer) => err.push(piece))
    const text = (pieces: Buffer[]) => Buffer.concat(pieces).toString("utf8")
    const result = new Promise<Result>((done, failed) => {
      child.once("error", failed)
      child.once("close", (exitCode) => done({ exitCode, stdout: text(out), stderr: text(err) }))
    })
    return {
      pid: child.pid ?? -1,
      kill: (signal) => void child.kill(signal),
      result,
      stderr: () => text(err),
    }
  }
  return { name, start, run: (args, options) => start(args, options).result }
}

const main = join(root, "src/main.ts")

export const bunSource = () => childProcess("sources under Bun", [process.execPath, main])

export const denoSource = () =>
  childProcess("sources under Deno", [join(root, "node_modules/.bin/deno"), "run", "-A", "--quiet", main])

/** Path of the built executable: `DRUIDSYNC_EXECUTABLE`, or where `npm run build` puts it. */
export const executablePath = resolve(process.env.DRUIDSYNC_EXECUTABLE ?? join(root, "dist/druidsync"))

/** @throws Error where it was not built */
export function executable(): Runner {
  if (!existsSync(executablePath)) throw new Error(`${executablePath} is not there: npm run build`)
  return childProcess("the executable", [executablePath])
}
