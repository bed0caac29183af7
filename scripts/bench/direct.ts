/**
 * Past the broker beside the other ways, on a real Druid that is up and holds a datasource in the form of `wikipedia`:
 *
 *     bun scripts/bench/direct.ts --data .druid/dev --datasource wikipedia --rows 1000000 --out DIR
 *
 * `--only floor,full,direct` measures these alone, `--historicals` with a second data node, which is there for as long as that
 * takes. `--base FILE` names a copy that lacks late rows, whose table is `wikipedia`: what it takes to bring them is measured,
 * and with `deep` and `deep-direct` a comparison of all rows.
 */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { attachDruid, sql } from "../druid/index.ts"
import { poll, sleep } from "../druid/wait.ts"
import { pull, type Surroundings, type Way, ways } from "./contenders.ts"
import { DATASOURCE } from "./druid.ts"
import { removeDatabase } from "./files.ts"
import { measureOk } from "./measure.ts"
import { druidCpuMs, rounded } from "./rounds.ts"
import { liveTable, seconds } from "./table.ts"
import { python } from "./venv.ts"

const { values } = parseArgs({
  options: {
    data: { type: "string", default: ".druid/dev" },
    datasource: { type: "string", default: DATASOURCE },
    rows: { type: "string" },
    out: { type: "string", default: ".druid/bench-direct" },
    rounds: { type: "string", default: "1" },
    only: { type: "string", default: "floor,full,direct,deep,deep-direct,dlt-pyarrow,cursor-1000" },
    base: { type: "string" },
    late: { type: "string", default: "0" },
    historicals: { type: "boolean", default: false },
  },
})
const folder = resolve(values.out)
mkdirSync(folder, { recursive: true })
const druid = await attachDruid(resolve(values.data))
const { datasource } = values
const rows = Number(values.rows)
const say = (text: string) => console.log(`── ${text}`)

/** How long the coordinator has to share the segments out. */
const SHARED_MS = 120_000
/** How long Druid is watched while nothing is asked of it. */
const REST_MS = 5_000

const { hostname, port } = new URL(druid.routerUrl)
const config = join(folder, "config.json")
const datasources = [{ name: datasource, table: DATASOURCE }]
writeFileSync(config, JSON.stringify({ host: hostname, port: Number(port), protocol: "http", datasources }))
const only = values.only.split(",")
const around: Surroundings = {
  url: druid.routerUrl,
  folder,
  datasource,
  python: only.some((key) => key.startsWith("dlt")) ? await python(join(folder, "venv"), say) : undefined,
  druidsync: [resolve(import.meta.dirname, "../../dist/druidsync")],
  config,
}

const historical = values.historicals ? await druid.addHistorical() : undefined
try {
  if (historical !== undefined) await shared()
  await sleep(1_000)
  const before = await druidCpuMs(druid.dataDir)
  await sleep(REST_MS)
  const restMs = (await druidCpuMs(druid.dataDir)) - before
  const list = [...ways(around), ...further()].filter(({ key }) => only.includes(key))
  const rounds = Number(values.rounds)
  const found = await rounded(list, rows, { rounds, slowRounds: 1, dataDir: druid.dataDir, say })
  console.log(`\n${historical === undefined ? "One data node" : "Two data nodes"}; at rest Druid takes`)
  console.log(`${seconds((restMs * 1_000) / REST_MS)} of processor time per second.\n`)
  console.log(liveTable(found, { rows, wireBytes: 0 }))
} finally {
  if (historical !== undefined) await druid.removeHistorical(historical)
}

/** Late rows, and comparisons of all rows; both ways each. */
function further(): Way[] {
  const both = (key: string, label: string, make: (out: string, ...more: string[]) => Partial<Way>) =>
    [[], ["--direct"]].map((more): Way => {
      const [end, words] = more.length === 0 ? ["", ""] : ["-direct", " with `direct`"]
      const out = join(folder, `${key}${end}.duckdb`)
      const run = () => pull(around, out, ...more)
      const common = { key: `${key}${end}`, label: `${label}${words}`, group: "ours" as const, isSlow: false }
      return { ...common, out, run, ...make(out, ...more) }
    })
  const { base } = values
  const late = both("late", "late rows", (out) => ({
    rows: Number(values.late),
    prepare: () => {
      removeDatabase(out)
      copyFileSync(base!, out)
    },
  }))
  const deep = both("deep", "`verify --deep`", (_, ...more) => ({
    out: undefined,
    run: () =>
      measureOk([
        ...around.druidsync,
        ...["verify", "--config", config, "--out", join(folder, "full.duckdb"), "--deep", ...more],
      ]),
  }))
  return [...(base === undefined ? [] : late), ...deep]
}

/** Waits until each data node has its half, and no more is on its way. */
async function shared(): Promise<void> {
  await poll("the segments to be shared out", { deadlineMs: SHARED_MS }, async () => {
    const servers = await sql<{ n: number }>(
      druid,
      `SELECT COUNT(*) AS n FROM sys.server_segments JOIN sys.segments USING (segment_id)
       WHERE datasource = '${datasource}' AND is_active = 1 GROUP BY server`,
    )
    const counts = servers.map(({ n }) => n)
    return counts.length === 2 && Math.min(...counts) * 1.5 >= Math.max(...counts) ? true : undefined
  })
}
