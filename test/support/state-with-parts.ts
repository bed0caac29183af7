/** What a file says of itself with every checkpoint, for tests: the program itself reads those alone that it decides about. */
import type { Part } from "../../src/base/domain.ts"
import type { Engine } from "../../src/store/engine.ts"
import type { DatabaseFile } from "../../src/store/file/file.ts"
import { readParts } from "../../src/store/notes/checkpoints.ts"
import { type FileState, type HeldState, readState } from "../../src/store/notes/state.ts"

export interface StateWithParts extends Omit<FileState, "held"> {
  readonly held: ReadonlyMap<string, HeldState & { readonly parts: readonly Part[] }>
}

export async function stateWithParts(engine: Engine, file: DatabaseFile): Promise<StateWithParts> {
  const state = await readState(engine, file)
  const parts = state.held.size === 0 ? new Map<string, Part[]>() : await file.read(() => readParts(engine))
  const held = [...state.held].map(([name, one]) => [name, { ...one, parts: parts.get(name) ?? [] }] as const)
  return { ...state, held: new Map(held) }
}
