/** What reading a configuration touches outside the program, in one place so that tests can stand in for it. */

import { homedir } from "node:os"
import { dirname, resolve } from "node:path"
import type { Environment, RunCommand } from "./command.ts"
import type { FileMode, ReadFile } from "./files.ts"

/** Everything that is not the configuration's text. */
export interface Surroundings {
  readonly env: Environment
  readonly readFile: ReadFile
  readonly fileMode: FileMode
  readonly runCommand: RunCommand
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
