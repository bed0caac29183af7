/** Commits several tables so that none of them keeps the others from theirs. */
import { concernsOneDatasource, type DruidsyncError } from "../../base/errors.ts"
import { says } from "../duckdb-errors.ts"
import type { Engine } from "../engine.ts"
import type { DatabaseFile } from "../file/file.ts"
import { type Index, readConstraints, readIndexes, tableError } from "./by-hand.ts"
import { type CommittingRun, commit, type DatasourceCommit } from "./commit.ts"
import type { Widened } from "./table-schema.ts"

/** What became of one table's commit. */
export type Committed =
  | { readonly deleted: number; readonly widened: readonly Widened[]; readonly error?: undefined }
  /** nothing of it was stored */
  | { readonly error: DruidsyncError }

/**
 * All in one transaction; where a table of theirs refuses, each in one of its own.
 * @returns what became of each, in their order
 * @throws DruidsyncError what stops the run: `locked`, `foreign`, `file`, `disk-full`
 */
export async function commitApart(
  engine: Engine,
  file: DatabaseFile,
  commits: readonly DatasourceCommit[],
  run: CommittingRun,
  signal?: AbortSignal,
): Promise<Committed[]> {
  try {
    const { deleted, widened } = await commit(engine, file, commits, run, signal)
    return commits.map(({ target }, n) => ({
      deleted: deleted[n]!,
      widened: widened.filter(({ table }) => table === target.table),
    }))
  } catch (error) {
    const isOfOne = concernsOneDatasource(error) || says(error, "ofTable") || says(error, "outOfMemory")
    if (!isOfOne) throw error
    if (commits.length === 1) return [{ error: await oursOf(engine, file, commits[0]!, error) }]
  }
  const result: Committed[] = []
  for (const one of commits) result.push(...(await commitApart(engine, file, [one], run, signal)))
  return result
}

/** The error in a sentence that names what stands in the way. */
async function oursOf(
  engine: Engine,
  file: DatabaseFile,
  { target }: DatasourceCommit,
  error: unknown,
): Promise<DruidsyncError> {
  if (concernsOneDatasource(error)) return error
  // The transaction is gone, and with it what it saw: look once more. What cannot be seen now is not named.
  let indexes: Index[] = []
  let constraints: string[] = []
  const look = async () => {
    indexes = await readIndexes(engine, target.table)
    constraints = await readConstraints(engine, target.table)
  }
  await file.read(look).catch(() => undefined)
  return tableError(file.path, target, error, indexes, constraints)
}
