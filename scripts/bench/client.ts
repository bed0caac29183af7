/**
 * The client alone, for who tunes it: druidsync against the replay server, beside DuckDB loading the same bytes.
 *
 *     bun scripts/bench/client.ts [--rows 1000000] [--segments 30] [--datasources 1] [--rounds 3] [--no-floor]
 *         [--command "dist/druidsync"] [--pull '{"sliceRows":200000}'] [--wide-columns 1000] [--text-bytes 1000000]
 */
import { join } from "node:path"
import { parseArgs } from "node:util"
import { replayRuns } from "./replay/runs.ts"
import { clientLine } from "./table.ts"

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    segments: { type: "string", default: "30" },
    datasources: { type: "string", default: "1" },
    "chunk-hours": { type: "string", default: "24" },
    "wide-columns": { type: "string", default: "0" },
    "text-bytes": { type: "string", default: "0" },
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
  wideColumns: Number(values["wide-columns"]),
  textBytes: Number(values["text-bytes"]),
}
const root = join(import.meta.dirname, "..", "..")
const { contenders, server } = await replayRuns(`${world.datasources} × ${world.rows} rows`, {
  world,
  rounds: Number(values.rounds),
  floor: values.floor,
  druidsync: values.command.split(" ").map((word) => (word === "bun" ? process.execPath : word)),
  folder: join(root, ".druid", "bench", "client"),
  port: Number(values.port),
  config: JSON.parse(values.pull),
})
for (const one of contenders) console.log(clientLine(one))
console.log(`replay server: ${server.requests} requests, ${server.cpuSeconds.toFixed(2)} CPU s while serving`)
