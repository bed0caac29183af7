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
  let text: string
  try {
    text = await readFile(statePath(dataDir), "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
  return JSON.parse(text) as State
}

/** Replaces the state in one step. */
export async function writeState(state: State): Promise<void> {
  const path = statePath(state.settings.dataDir)
  const next = `${path}.${randomUUID()}`
  await writeFile(next, `${JSON.stringify(state, null, 2)}\n`)
  await rename(next, path)
}

/** Removes the state file; fine if there is none. */
export async function dropState(dataDir: string): Promise<void> {
  await rm(statePath(dataDir), { force: true })
}
