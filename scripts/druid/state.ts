/** What is running in a data folder, on disk: so that another process can attach, and `down` find everything. */
import { randomUUID } from "node:crypto"
import { readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { ServiceName } from "./ports.ts"
import type { ClusterSettings } from "./services.ts"

/** The content of `state.json`. */
export interface State {
  settings: ClusterSettings
  /** PIDs as of the last start; a service that was killed keeps its old one until started again. */
  pids: Partial<Record<ServiceName, number>>
}

/** The state file of a data folder. */
export function statePath(dataDir: string): string {
  return join(dataDir, "state.json")
}

/** Reads the state, or answers undefined if the folder has none. @throws Error if it cannot be read or parsed. */
export async function readState(dataDir: string): Promise<State | undefined> {
  const text = await textOf(statePath(dataDir))
  return text === undefined ? undefined : (JSON.parse(text) as State)
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

/** Replaces the state in one step. */
export async function writeState(state: State): Promise<void> {
  await replace(statePath(state.settings.dataDir), state)
}

async function replace(path: string, content: unknown): Promise<void> {
  const next = `${path}.${randomUUID()}`
  await writeFile(next, `${JSON.stringify(content, null, 2)}\n`)
  await rename(next, path)
}

/** What a data folder's Druid was last started with; stays there when it is taken down. */
export interface Made {
  portBase: number
  version: string
  kafka: boolean
  historicals: number
}

const madePath = (dataDir: string) => join(dataDir, "made.json")

/** Notes it for the next `up`. */
export async function writeMade(dataDir: string, made: Made): Promise<void> {
  await replace(madePath(dataDir), made)
}

/** Undefined where no Druid was started yet. @throws Error if it cannot be read or parsed. */
export async function readMade(dataDir: string): Promise<Made | undefined> {
  const text = await textOf(madePath(dataDir))
  return text === undefined ? undefined : (JSON.parse(text) as Made)
}

/** Removes the state file; fine if there is none. */
export async function dropState(dataDir: string): Promise<void> {
  await rm(statePath(dataDir), { force: true })
}
