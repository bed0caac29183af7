/** Tables of many columns: DuckDB needs memory for each of them, however few rows there are. */
import { type Engine, memoryText } from "../engine.ts"

/** DuckDB's memory limit where the configuration names none, bytes. */
export const USUAL_MEMORY_BYTES = 400_000_000

/**
 * So many bytes of memory a column needs: while rows are written, DuckDB keeps a block of 256 KiB for each column, in each
 * thread, in the staging table and again in the file. Measured with one thread and 1.5.6: with 1,017 columns 1 GB was
 * refused and 1.3 GB was enough, with 367 columns 400 MB was refused.
 */
const COLUMN_BYTES = 1_500_000

/** The memory limit of engines that were given more. */
const given = new WeakMap<Engine, number>()

/** Gives an engine what a table of so many columns needs, and one thread to write it. What it has been given it keeps. */
export async function makeRoom(engine: Engine, columns: number): Promise<void> {
  const bytes = columns * COLUMN_BYTES
  if (bytes <= (given.get(engine) ?? USUAL_MEMORY_BYTES)) return
  given.set(engine, bytes)
  await engine.run("SET threads = 1")
  await engine.run(`SET memory_limit = '${memoryText(bytes)}'`)
}
