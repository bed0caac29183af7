/**
 * Readers during a pull, on a Druid that is up: while druidsync copies a datasource, and then while it replaces every
 * slice of it (`--full`), this process tries every 100 ms to open the file and looks whether all it sees is whole.
 *
 *     npm run druid -- up && npm run druid -- load wikipedia
 *     bun scripts/bench/reading.ts [--router http://127.0.0.1:18088] [--datasource wikipedia] [--command dist/druidsync]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { rowsHeld } from "./files.ts"
import { measureOk } from "./measure.ts"
import { tryReading } from "./readers.ts"

const { values } = parseArgs({
  options: {
    router: { type: "string", default: "http://127.0.0.1:18088" },
    datasource: { type: "string", default: "wikipedia" },
    command: { type: "string", default: "dist/druidsync" },
  },
})

const folder = mkdtempSync(join(tmpdir(), "druidsync-reading-"))
try {
  const { hostname, port } = new URL(values.router)
  const [config, out] = [join(folder, "config.json"), join(folder, "copy.duckdb")]
  const datasources = [{ name: values.datasource, table: "copied" }]
  writeFileSync(config, JSON.stringify({ host: hostname, port: Number(port), protocol: "http", datasources }))
  const command = [...values.command.split(" "), "pull", "--config", config, "--out", out, "--quiet"]
  for (const [name, more] of [
    ["first copy", []],
    ["every slice replaced", ["--full"]],
  ] as const) {
    let isOver = false
    const reading = tryReading(out, "copied", () => isOver)
    const { wallMs } = await measureOk([...command, ...more]).finally(() => {
      isOver = true
    })
    const { attempts, successes, longestMs, torn } = await reading
    const rows = await rowsHeld(out, "copied")
    console.log(
      `${name}: ${rows} rows in ${(wallMs / 1000).toFixed(1)} s, ${successes} of ${attempts} opens at once ` +
        `(${Math.round((100 * successes) / attempts)}%), longest wait ${(longestMs / 1000).toFixed(1)} s, ` +
        `${torn} saw a slice in part; load average ${loadavg()[0]!.toFixed(1)}`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
