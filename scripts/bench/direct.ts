/**
 * The two ways of `direct` beside curl, with the processor time of Druid's processes, on a real Druid that is up and holds a
 * datasource in the form of `wikipedia`:
 *
 *     bun scripts/bench/direct.ts --data .druid/dev --datasource wikipedia --out DIR [--rounds 3]
 *     bun scripts/bench/direct.ts … --late      # what came since the first call is pulled into copies of its files
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { attachDruid, countRows } from "../druid/index.ts"
import { findProcesses } from "../druid/processes.ts"
import { curlAll } from "./contenders.ts"
import { removeDatabase } from "./files.ts"
import { type Measured, measureOk, median } from "./measure.ts"
import { seconds } from "./table.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string", default: ".druid/dev" },
    datasource: { type: "string", default: "wikipedia" },
    out: { type: "string" },
    rounds: { type: "string", default: "3" },
    late: { type: "boolean", default: false },
  },
})
const folder = resolve(values.out ?? ".druid/bench-direct")
mkdirSync(folder, { recursive: true })
const druid = await attachDruid(resolve(values.data))
const pids = (await findProcesses(resolve(values.data))).map(({ pid }) => pid)
const { hostname, port } = new URL(druid.routerUrl)
const config = join(folder, "config.json")
const { datasource } = values
writeFileSync(
  config,
  JSON.stringify({ host: hostname, port: Number(port), protocol: "http", datasources: datasource }),
)
const executable = resolve(import.meta.dirname, "../../dist/druidsync")

/** Milliseconds of one tick of `/proc`: 100 a second on every Linux that Druid runs on. */
const TICK_MS = 10

/** User and system time of all of Druid's processes so far, ms. */
function druidCpuMs(): number {
  return pids.reduce((sum, pid) => {
    // The name of the program stands in parentheses and may hold blanks.
    const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")
    const [user, system] = fields.split(" ").slice(11, 13)
    return sum + (Number(user) + Number(system)) * TICK_MS
  }, 0)
}

interface Figures extends Pick<Measured, "wallMs" | "cpuMs"> {
  readonly druidMs: number
}

async function figuresOf(run: () => Promise<Measured>): Promise<Figures> {
  const before = druidCpuMs()
  const { wallMs, cpuMs } = await run()
  return { wallMs, cpuMs, druidMs: druidCpuMs() - before }
}

const pull = (out: string, ...more: string[]) =>
  measureOk([executable, "pull", "--config", config, "--out", out, "--quiet", ...more])
const fileOf = (key: string) => join(folder, `${key}.duckdb`)

/** A pull from nothing; the file stays for `--late`. */
const full =
  (key: string, ...more: string[]) =>
  () => {
    removeDatabase(fileOf(key))
    return pull(fileOf(key), ...more)
  }
/** What is new, into a copy of the file. */
const late =
  (key: string, ...more: string[]) =>
  () => {
    const copy = fileOf(`${key}-late`)
    removeDatabase(copy)
    copyFileSync(fileOf(key), copy)
    return pull(copy, ...more)
  }

const ways: readonly (readonly [string, () => Promise<Measured>])[] = values.late
  ? [
      ["druidsync, late rows", late("sql")],
      ["druidsync --direct, late rows", late("direct", "--direct")],
    ]
  : [
      ["curl of druidsync's SQL", () => measureOk(curlAll(druid.routerUrl, datasource))],
      ["druidsync, full pull", full("sql")],
      ["druidsync --direct, full pull", full("direct", "--direct")],
    ]
const runs = new Map(ways.map(([label]) => [label, [] as Figures[]]))
for (let n = 0; n < Number(values.rounds); n++)
  for (const [label, run] of ways) runs.get(label)!.push(await figuresOf(run))

console.log(`${await countRows(druid, datasource)} rows of ${datasource}, ${values.rounds} rounds, medians`)
console.log("|  | wall | CPU of Druid | CPU of client |\n| --- | --: | --: | --: |")
for (const [label, list] of runs) {
  const of = (pick: (one: Figures) => number) => seconds(median(list.map(pick)))
  console.log(
    `| ${label} | ${of((one) => one.wallMs)} | ${of((one) => one.druidMs)} | ${of((one) => one.cpuMs)} |`,
  )
}
