/**
 * A Druid that costs nothing: answers druidsync's queries with generated rows, as fast as loopback takes them, so that
 * the client alone is measured. `--dump FILE` writes the rows of the first datasource into a file instead, for the
 * floor (`floor.ts`).
 *
 *     bun scripts/bench/replay.ts --port 19988 --rows 1000000 --segments 30 --datasources 1
 */
import { closeSync, openSync, writeSync } from "node:fs"
import { parseArgs } from "node:util"
import { Answers } from "./replay/answers.ts"
import { serve } from "./replay/server.ts"
import { makeTemplate } from "./replay/template.ts"
import { World } from "./replay/world.ts"

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "19988" },
    rows: { type: "string", default: "1000000" },
    segments: { type: "string", default: "30" },
    datasources: { type: "string", default: "1" },
    "chunk-hours": { type: "string", default: "24" },
    "wide-columns": { type: "string", default: "0" },
    "text-bytes": { type: "string", default: "0" },
    distinct: { type: "string", default: "200000" },
    dump: { type: "string" },
  },
})

const rows = Number(values.rows)
const world = new World({
  rows,
  segments: Number(values.segments),
  datasources: Number(values.datasources),
  chunkMs: Number(values["chunk-hours"]) * 3_600_000,
})
const template = makeTemplate(Math.min(rows, Number(values.distinct)), {
  columns: Number(values["wide-columns"]),
  textBytes: Number(values["text-bytes"]),
})
const answers = new Answers(world, template)

if (values.dump !== undefined) {
  const file = openSync(values.dump, "w")
  for (const piece of answers.all(world.names[0]!)) writeSync(file, piece)
  closeSync(file)
} else {
  const server = serve(answers, Number(values.port))
  console.log(
    JSON.stringify({
      port: server.port,
      datasources: world.names.length,
      rows,
      segments: world.options.segments,
    }),
  )
  const ready = process.cpuUsage()
  const stop = () => {
    const { user, system } = process.cpuUsage(ready)
    console.log(JSON.stringify({ requests: server.requests(), cpuSeconds: (user + system) / 1e6 }))
    process.exit(0)
  }
  process.on("SIGTERM", stop)
  process.on("SIGINT", stop)
}
