/**
 * Everything side by side on a real Druid, in one go: `npm run bench`. Writes the table into docs/benchmark.md and the
 * plot beside it. `--help` lists the settings.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { cpus, loadavg, platform, totalmem } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import packageJson from "../../package.json" with { type: "json" }
import { buildExecutable } from "../build/build.ts"
import { pull, type Surroundings, ways, wireBytes } from "./contenders.ts"
import { type BenchDruid, benchDruid, DATASOURCE } from "./druid.ts"
import { bytesOf, parquetBytes, removeDatabase } from "./files.ts"
import { plot } from "./plot.ts"
import { tryReading } from "./readers.ts"
import { replayRuns } from "./replay/runs.ts"
import type { ReplayWorld } from "./replay/spawn.ts"
import type { Contender, Locking, Results, Run } from "./results.ts"
import { rounded, runOf } from "./rounds.ts"
import { druidsOwnTime, startUp } from "./start-up.ts"
import { clientLine, markdown } from "./table.ts"
import { python } from "./venv.ts"

const HELP = `npm run bench -- [--quick] [--rows 1000000] [--rounds 3] [--only KEYS] [--without KEYS] [--huge]

  --quick         100,000 rows, one round, the slowest left out, nothing written to docs: under four minutes
  --rows N        rows of wikipedia in Druid
  --rounds N      rounds of what is quick; --slow-rounds N of what is slow (1)
  --only KEYS     just these, comma-separated; --without KEYS all but these:
                  floor floor-star full direct csv cursor-10000 cursor-1000 pandas dlt-pyarrow dlt-pandas dlt-sqlalchemy
                  nothing changes locking start-up replay scale
  --huge          replay 100M rows as well
  --source        run src/main.ts instead of the executable (which is built first)
  --no-build      take dist/druidsync as it is
  --port-base N   Druid's ports are counted from here (19300)
  --data DIR      everything is kept here: Druid's data, the Python environment, results (.druid/bench)
  --keep          leave Druid running
  --render        no measuring: table and plot from the results of the last run`

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rows: { type: "string" },
    rounds: { type: "string" },
    "slow-rounds": { type: "string", default: "1" },
    only: { type: "string" },
    without: { type: "string" },
    huge: { type: "boolean", default: false },
    source: { type: "boolean", default: false },
    build: { type: "boolean", default: true },
    "port-base": { type: "string", default: "19300" },
    data: { type: "string", default: ".druid/bench" },
    keep: { type: "boolean", default: false },
    render: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
  allowNegative: true,
})

const root = join(import.meta.dirname, "..", "..")
const folder = resolve(root, values.data)
const say = (text: string) => console.log(`── ${text}`)

if (values.help) {
  console.log(HELP)
  process.exit(0)
}
const resultsPath = join(folder, values.quick ? "results-quick.json" : "results.json")
if (values.render) {
  publish(JSON.parse(readFileSync(resultsPath, "utf8")))
  process.exit(0)
}

const rows = Number(values.rows ?? (values.quick ? 100_000 : 1_000_000))
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3))
const only = values.only?.split(",")
const without = new Set(
  values.without?.split(",") ?? (values.quick ? ["dlt-sqlalchemy", "dlt-pandas", "scale"] : []),
)
const isWanted = (key: string) => (only === undefined ? !without.has(key) : only.includes(key))

mkdirSync(folder, { recursive: true })
const executable = resolve(root, "dist/druidsync")
if (values.build && !values.source) {
  say("building dist/druidsync")
  await buildExecutable({ outfile: executable })
}
const druidsync = values.source ? [process.execPath, join(root, "src/main.ts")] : [executable]
const load = [loadavg()[0]!]

const live = await measureLive()
const replayed = await measureReplay()
load.push(loadavg()[0]!)
const results: Results = {
  date: new Date().toISOString().slice(0, 10),
  version: packageJson.version,
  machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()}`,
  rows,
  ...live,
  contenders: [...live.contenders, ...replayed],
  load,
}
writeFileSync(resultsPath, JSON.stringify(results, null, 2))
if (values.quick || only !== undefined) console.log(`\n${markdown(results)}`)
else publish(results)

/** What needs the real Druid. */
async function measureLive(): Promise<Omit<Results, "date" | "version" | "machine" | "rows" | "load">> {
  const nothing = { wireBytes: 0, parquetBytes: undefined, contenders: [], locking: undefined, startUp: [] }
  if (only?.every((key) => key === "replay" || key === "scale")) return nothing
  const interpreter = await python(join(folder, "venv"), say)
  const bench = await benchDruid(join(folder, `druid-${rows}`), Number(values["port-base"]), rows, say)
  try {
    const url = bench.druid.routerUrl
    const config = join(folder, "config.json")
    const { hostname, port } = new URL(url)
    writeFileSync(
      config,
      JSON.stringify({ host: hostname, port: Number(port), protocol: "http", datasources: DATASOURCE }),
    )
    const around = { url, folder, datasource: DATASOURCE, python: interpreter, druidsync, config }
    const bytes = await wireBytes(url, DATASOURCE)
    const contenders = await rounded(
      ways(around).filter((way) => isWanted(way.key)),
      rows,
      { rounds, slowRounds: Number(values["slow-rounds"]), dataDir: bench.druid.dataDir, say },
    )
    const held = join(folder, "full.duckdb")
    if (bytesOf(held) === undefined) await pull(around, held)
    const size = await parquetBytes(held, DATASOURCE, join(folder, "rows.parquet"))
    const locking = isWanted("locking") ? await measureLocking(around) : undefined
    const starts = isWanted("start-up") ? await startUp(druidsync, held, folder) : []
    if (isWanted("nothing")) {
      contenders.push(await measureNothing(around, bench, held))
      const ownMs = await druidsOwnTime(url, [DATASOURCE])
      starts.push({ label: "Druid's own answers to a pull that finds nothing new", wallMs: ownMs, cpuMs: 0 })
    }
    if (isWanted("changes")) contenders.push(...(await measureChanges(around, bench)))
    return { wireBytes: bytes, parquetBytes: size, contenders, locking, startUp: starts }
  } finally {
    if (values.keep) say(`Druid is left running: ${bench.druid.routerUrl}`)
    else await bench.druid.stop()
  }
}

async function measureNothing(around: Surroundings, { druid }: BenchDruid, held: string): Promise<Contender> {
  const runs: Run[] = []
  for (let n = 0; n < Math.max(3, rounds); n++)
    runs.push(await runOf(() => pull(around, held), 0, held, druid.dataDir))
  return { key: "nothing", label: "druidsync, nothing new", group: "ours", runs }
}

/** Late news: 1% more rows; one day ingested anew. Druid is as it was afterwards. */
async function measureChanges(around: Surroundings, bench: BenchDruid): Promise<Contender[]> {
  const out = join(folder, "changes.duckdb")
  removeDatabase(out)
  const added: Run[] = []
  const replaced: Run[] = []
  const { dataDir } = bench.druid
  const again = () => pull(around, out)
  for (let n = 0; n < Math.min(2, rounds); n++) {
    await pull(around, out)
    say("1% new rows")
    await bench.addOnePercent()
    added.push(await runOf(again, Math.round(rows / 100), out, dataDir))
    await bench.removeAdded()
    await pull(around, out)
    say("one day replaced")
    const count = await bench.replaceDay(n + 11)
    replaced.push(await runOf(again, count, out, dataDir))
  }
  removeDatabase(out)
  return [
    { key: "one-percent", label: "druidsync, 1% new rows", group: "ours", runs: added },
    { key: "replaced", label: "druidsync, one of 30 days replaced", group: "ours", runs: replaced },
  ]
}

async function measureLocking(around: Surroundings): Promise<Locking> {
  say("readers during a pull")
  const out = join(folder, "locking.duckdb")
  removeDatabase(out)
  let isOver = false
  const reading = tryReading(out, DATASOURCE, () => isOver)
  try {
    await pull(around, out)
  } finally {
    isOver = true
  }
  const locking = await reading
  removeDatabase(out)
  return locking
}

/** What needs no Druid. */
async function measureReplay(): Promise<Contender[]> {
  const list: Contender[] = []
  const run = async (name: string, world: ReplayWorld, times: number, floor: boolean) => {
    say(`replay: ${name}`)
    const { contenders } = await replayRuns(name, {
      world,
      rounds: times,
      floor,
      druidsync,
      folder: join(folder, "client"),
      port: Number(values["port-base"]) + 95,
    })
    for (const one of contenders) console.log(`   ${clientLine(one)}`)
    list.push(...contenders)
  }
  if (isWanted("replay"))
    await run(`${rows / 1e6}M rows`, { rows, segments: 30, datasources: 1 }, rounds, true)
  if (isWanted("scale")) {
    await run("20M rows", { rows: 20_000_000, segments: 600, datasources: 1 }, 1, false)
    await run("200 datasources of 5,000 rows", { rows: 5_000, segments: 10, datasources: 200 }, 1, false)
    const many = { rows: 1_000_000, segments: 50_000, datasources: 1, chunkHours: 1 }
    await run("1M rows in 50,000 segments", many, 1, false)
  }
  if (values.huge) await run("100M rows", { rows: 100_000_000, segments: 3_000, datasources: 1 }, 1, false)
  return list
}

/** Table and plot into the documentation. */
function publish(results: Results): void {
  const path = join(root, "docs/benchmark.md")
  const [open, close] = ["<!-- bench -->", "<!-- /bench -->"]
  const text = readFileSync(path, "utf8")
  const [before, after] = [text.indexOf(open), text.indexOf(close)]
  if (before < 0 || after < before) throw new Error(`${path} has no place for the table`)
  writeFileSync(path, `${text.slice(0, before + open.length)}\n${markdown(results)}\n${text.slice(after)}`)
  writeFileSync(join(root, "docs/benchmark.svg"), plot(results))
  console.log(`\nwritten: docs/benchmark.md, docs/benchmark.svg; all figures: ${resultsPath}`)
}
