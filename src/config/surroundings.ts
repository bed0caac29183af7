/** What reading a configuration touches outside the program, in one place so that tests can stand in for it. */

import { execFile } from "node:child_process"
import { homedir } from "node:os"
import { dirname, resolve } from "node:path"
import type { FileMode, ReadFile } from "./files.ts"

/** What a program did. */
export interface CommandResult {
  /** exit code, or the name of the signal that ended it */
  readonly exit: number | string
  readonly stdout: string
  readonly stderr: string
}

/** Environment as the process has it. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Runs a program with arguments; rejects with a Node system error where it cannot be started.
 * @param options.timeoutMs when it is stopped
 */
export type RunCommand = (
  command: readonly string[],
  options: { readonly cwd: string; readonly env: Environment; readonly timeoutMs: number },
) => Promise<CommandResult>

/** How long a program for a secret may take, ms. */
export const MOST_COMMAND_MS = 60_000

/** Runs a program for a secret, without a shell: an empty stdin, at most 1 MiB of output. */
export const runCommand: RunCommand = ([program, ...args], { cwd, env, timeoutMs }) =>
  new Promise((done, reject) => {
    const options = { cwd, env: { ...env }, timeout: timeoutMs, maxBuffer: 1_048_576, windowsHide: true }
    const child = execFile(program!, args, options, (error, stdout, stderr) => {
      if (error === null) return done({ exit: 0, stdout, stderr })
      if (error.killed)
        return reject(new Error(`it was stopped after ${timeoutMs / 1000} s or 1 MiB of output`))
      if (typeof error.code === "string") return reject(error)
      done({ exit: error.code ?? error.signal ?? "unknown", stdout, stderr })
    })
    child.stdin?.end()
  })

/** Everything that is not the configuration's text. */
export interface Surroundings {
  readonly env: Environment
  readonly readFile: ReadFile
  readonly fileMode: FileMode
  readonly runCommand: RunCommand
  /** how long a program may take, ms */
  readonly commandMs: number
  /** folder of the configuration file, absolute: relative paths start there, commands run there */
  readonly folder: string
}

/** Folder of the configuration file. */
export function folderOf(configPath: string): string {
  return dirname(resolve(configPath))
}

/** An absolute path: relative ones start at the configuration's folder, `~/` at the user's home. */
export function pathFrom(path: string, { folder, env }: Pick<Surroundings, "folder" | "env">): string {
  if (path === "~" || path.startsWith("~/")) return resolve(env.HOME || homedir(), `.${path.slice(1)}`)
  return resolve(folder, path)
}
