/** druidsync against the replay server, beside DuckDB loading the same bytes from a local file. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { bytesOf, removeDatabase, rowsHeld } from "../files.ts"
import { type Measured, measureOk } from "../measure.ts"
import type { Contender, Run } from "../results.ts"
import { type Replay, type ReplayWorld, replayCommand, startReplay } from "./spawn.ts"

export interface ReplayOptions {
  readonly world: ReplayWorld
  readonly rounds: number
  /** also DuckDB alone: for one datasource only */
  readonly floor: boolean
  /** the command that is druidsync, without its arguments */
  readonly druidsync: readonly string[]
  /** for configuration and database files */
  readonly folder: string
  readonly port: number
  /** more keys of the configuration */
  readonly config?: Readonly<Record<string, unknown>>
}

export interface ReplayRuns {
  readonly contenders: Contender[]
  readonly server: Awaited<ReturnType<Replay["stop"]>>
}

/** @param name goes into labels: `1M rows` */
export async function replayRuns(name: string, options: ReplayOptions): Promise<ReplayRuns> {
  const { world, folder } = options
  mkdirSync(folder, { recursive: true })
  const allRows = world.rows * world.datasources
  const wantsFloor = options.floor && world.datasources === 1
  const shape = [world.rows, world.segments, world.chunkHours ?? 24, world.wideColumns, world.textBytes]
  const rowsFile = join(folder, `rows-${shape.map((one) => one ?? 0).join("-")}.jsonl`)
  if (wantsFloor && !existsSync(rowsFile)) await measureOk(replayCommand(world, ["--dump", rowsFile]))

  const runs = { floor: [] as Run[], full: [] as Run[], nothing: [] as Run[] }
  const out = join(folder, "druidsync.duckdb")
  const floorOut = join(folder, "floor.duckdb")
  const replay = await startReplay(world, options.port)
  try {
    const config = join(folder, "config.json")
    writeFileSync(config, JSON.stringify(configOf(world, replay.port, options.config ?? {})))
    const pull = () => measureOk([...options.druidsync, "pull", "--config", config, "--out", out])
    const floorScript = join(import.meta.dirname, "..", "floor.ts")
    for (let n = 0; n < options.rounds; n++) {
      if (wantsFloor) {
        removeDatabase(floorOut)
        const floor = await measureOk([process.execPath, floorScript, rowsFile, floorOut])
        runs.floor.push(await runOf(floor, allRows, floorOut, "replay"))
      }
      removeDatabase(out)
      const table = world.datasources === 1 ? "replay" : undefined
      runs.full.push(await runOf(await pull(), allRows, out, table))
      runs.nothing.push(await runOf(await pull(), 0, out, undefined))
    }
  } finally {
    removeDatabase(out)
    removeDatabase(floorOut)
  }
  const server = await replay.stop()
  const contender = (key: string, label: string, of: readonly Run[]): Contender => ({
    key: `replay-${key} ${name}`,
    label: `${label}, ${name}`,
    group: "replay",
    runs: of,
  })
  const contenders = [
    contender("floor", "DuckDB alone, local file", runs.floor),
    contender("full", "druidsync, full pull", runs.full),
    contender("nothing", "druidsync, nothing new", runs.nothing),
  ]
  return { contenders: contenders.filter((one) => one.runs.length > 0), server }
}

function configOf(world: ReplayWorld, port: number, more: Readonly<Record<string, unknown>>) {
  const names = Array.from({ length: world.datasources }, (_, n) =>
    world.datasources === 1 ? "replay" : `replay-${String(n).padStart(4, "0")}`,
  )
  return { host: "127.0.0.1", port, protocol: "http", datasources: names.join(","), ...more }
}

async function runOf(
  measured: Measured,
  rows: number,
  path: string,
  table: string | undefined,
): Promise<Run> {
  const { wallMs, cpuMs, peakBytes } = measured
  const held = table === undefined ? undefined : await rowsHeld(path, table)
  if (held !== undefined && held !== rows) throw new Error(`${path} holds ${held} of ${rows} rows`)
  return { wallMs, cpuMs, peakBytes, rows, rowsHeld: held, fileBytes: bytesOf(path) }
}
