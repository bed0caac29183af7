/**
 * The client alone: druidsync against the replay server, beside DuckDB loading the same bytes from a local file.
 *
 *     bun scripts/bench/client.ts [--rows 1000000] [--segments 30] [--datasources 1] [--rounds 3] [--no-floor]
 *         [--command "dist/druidsync"] [--pull '{"sliceRows":200000}']
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type Measured, measureOk, typical } from "./measure.ts"
import { replayCommand, startReplay } from "./replay/spawn.ts"

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    segments: { type: "string", default: "30" },
    datasources: { type: "string", default: "1" },
    "chunk-hours": { type: "string", default: "24" },
    rounds: { type: "string", default: "3" },
    floor: { type: "boolean", default: true },
    port: { type: "string", default: "19988" },
    command: { type: "string", default: "bun src/main.ts" },
    pull: { type: "string", default: "{}" },
  },
  allowNegative: true,
})

const world = {
  rows: Number(values.rows),
  segments: Number(values.segments),
  datasources: Number(values.datasources),
  chunkHours: Number(values["chunk-hours"]),
}
const root = join(import.meta.dirname, "..", "..")
const folder = join(root, ".druid", "bench", "client")
mkdirSync(folder, { recursive: true })

const rowsFile = join(folder, `rows-${world.rows}-${world.segments}-${world.chunkHours}.jsonl`)
const wantsFloor = values.floor && world.datasources === 1
if (wantsFloor && statSync(rowsFile, { throwIfNoEntry: false }) === undefined)
  await measureOk(replayCommand(world, ["--dump", rowsFile]))

const replay = await startReplay(world, Number(values.port))
const names = Array.from({ length: world.datasources }, (_, n) =>
  world.datasources === 1 ? "replay" : `replay-${String(n).padStart(4, "0")}`,
)
const config = join(folder, "config.json")
writeFileSync(
  config,
  JSON.stringify({
    host: "127.0.0.1",
    port: replay.port,
    protocol: "http",
    datasources: names.join(","),
    ...JSON.parse(values.pull),
  }),
)
const command = values.command.split(" ").map((word) => (word === "bun" ? process.execPath : word))
const out = join(folder, "druidsync.duckdb")
const pull = () => measureOk([...command, "pull", "--config", config, "--out", out], { cwd: root })
const clear = (path: string) => {
  for (const end of ["", ".wal", ".druidsync-lock"]) rmSync(path + end, { force: true })
}

const figures = new Map<string, { rounds: Measured[]; fileBytes: number }>()
function keep(name: string, one: Measured, fileBytes: number) {
  const before = figures.get(name)
  figures.set(name, { rounds: [...(before?.rounds ?? []), one], fileBytes })
}

for (let n = 0; n < Number(values.rounds); n++) {
  if (wantsFloor) {
    const floorOut = join(folder, "floor.duckdb")
    clear(floorOut)
    const floor = await measureOk([
      process.execPath,
      join(import.meta.dirname, "floor.ts"),
      rowsFile,
      floorOut,
    ])
    keep("DuckDB, local file", floor, statSync(floorOut).size)
  }
  clear(out)
  const full = await pull()
  keep("druidsync, full", full, statSync(out).size)
  keep("druidsync, nothing new", await pull(), statSync(out).size)
}
const server = await replay.stop()

const allRows = world.rows * world.datasources
console.log(
  `${world.datasources} × ${world.segments} segments, ${allRows} rows, ${values.rounds} rounds (medians)`,
)
for (const [name, { rounds, fileBytes }] of figures) {
  const { wallMs, userMs, systemMs, cpuMs, peakBytes } = typical(rounds)
  const wall = rounds.map((one) => (one.wallMs / 1000).toFixed(2)).join(" ")
  console.log(
    `${name.padEnd(24)} wall ${(wallMs / 1000).toFixed(2)} s (${wall})  cpu ${(cpuMs / 1000).toFixed(2)} s ` +
      `(user ${(userMs / 1000).toFixed(2)}, sys ${(systemMs / 1000).toFixed(2)})  peak ${Math.round(peakBytes / 1e6)} MB  ` +
      `file ${(fileBytes / 1e6).toFixed(1)} MB  ${Math.round(allRows / (wallMs / 1000)).toLocaleString("en")} rows/s`,
  )
}
console.log(`replay server: ${server.requests} requests, ${server.cpuSeconds.toFixed(2)} CPU s while serving`)
