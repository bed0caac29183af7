/**
 * Groups beside rows: what an hourly aggregate of a datasource costs, and what copying all its rows does, with the built
 * executable and a Druid that runs already.
 *
 *     npx bun scripts/bench/aggregate.ts --host 127.0.0.1 --port 8888 --datasource wikipedia [--rounds 3]
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8888" },
    datasource: { type: "string", default: "wikipedia" },
    rounds: { type: "string", default: "3" },
  },
})

const sums = { added: 'SUM("added")', deleted: 'SUM("deleted")' }
const users = { users: 'APPROX_COUNT_DISTINCT_DS_HLL("user")' }
const WAYS = {
  "all rows": {},
  "by hour and channel, two sums": { aggregate: { every: "hour", by: ["channel"], measures: sums } },
  "the same, and distinct users": {
    aggregate: { every: "hour", by: ["channel"], measures: { ...sums, ...users } },
  },
}

interface Cost {
  readonly seconds: number
  readonly bytes: number
  readonly rows: number
}

/** One pull into a new file. @throws Error where it is not complete */
function pulled(folder: string, keys: object): Cost {
  const config = join(folder, "c.json")
  const out = join(folder, "out.duckdb")
  rmSync(out, { force: true })
  const { host, port, datasource } = values
  writeFileSync(
    config,
    JSON.stringify({
      host,
      port,
      protocol: "http",
      datasources: [{ name: datasource, table: "t", ...keys }],
    }),
  )
  const startedMs = performance.now()
  const { status, stdout, stderr } = spawnSync(
    resolve(import.meta.dirname, "../../dist/druidsync"),
    ["pull", "--config", config, "--out", out, "--json"],
    { encoding: "utf8" },
  )
  if (status !== 0) throw new Error(`exit ${status}\n${stdout}${stderr}`)
  const [one] = JSON.parse(stdout).datasources
  return { seconds: (performance.now() - startedMs) / 1000, bytes: one.bytes, rows: one.rowsFetched }
}

const folder = mkdtempSync(join(tmpdir(), "druidsync-aggregate-"))
try {
  const rounds = Array.from({ length: Number(values.rounds) }, () =>
    Object.values(WAYS).map((keys) => pulled(folder, keys)),
  )
  const best = Object.keys(WAYS).map((_, n) =>
    rounds.map((round) => round[n]!).reduce((a, b) => (b.seconds < a.seconds ? b : a)),
  )
  const share = (part: number, whole: number) => `${((100 * part) / whole).toFixed(2)}%`
  for (const [n, name] of Object.keys(WAYS).entries()) {
    const { seconds, bytes, rows } = best[n]!
    const ofTime = share(seconds, best[0]!.seconds)
    const ofBytes = share(bytes, best[0]!.bytes)
    process.stdout.write(
      `${name}: ${rows} rows, ${seconds.toFixed(1)} s (${ofTime}), ${bytes} bytes (${ofBytes})\n`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
