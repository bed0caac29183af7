/** Runs the program that prints a secret: no shell, nothing of its output in an error but stderr. */

import { execFile } from "node:child_process"

/** What a program did. */
export interface CommandResult {
  /** exit code, or the name of the signal that ended it */
  readonly exit: number | string
  readonly stdout: string
  readonly stderr: string
}

/** Environment as the process has it. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Runs a program with arguments; rejects with a Node system error where it cannot be started. */
export type RunCommand = (
  command: readonly string[],
  options: { readonly cwd: string; readonly env: Environment },
) => Promise<CommandResult>

const TIMEOUT_MS = 60_000

/** Runs it with an empty stdin, at most a minute and 1 MiB of output. */
export const runCommand: RunCommand = ([program, ...args], { cwd, env }) =>
  new Promise((resolve, reject) => {
    const options = { cwd, env: { ...env }, timeout: TIMEOUT_MS, maxBuffer: 1_048_576, windowsHide: true }
    const child = execFile(program!, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ exit: 0, stdout, stderr })
      if (error.killed)
        return reject(new Error(`it was stopped after ${TIMEOUT_MS / 1000} s or 1 MiB of output`))
      if (typeof error.code === "string") return reject(error)
      resolve({ exit: error.code ?? error.signal ?? "unknown", stdout, stderr })
    })
    child.stdin?.end()
  })
