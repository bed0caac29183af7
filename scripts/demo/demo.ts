/**
 * The main job on a real Druid, from nothing: starts one, loads `wikipedia`, builds the executable, pulls, shows the
 * status, answers a question in SQL, adds rows, pulls again, cleans up. `npm run demo -- --help` lists its settings.
 */
import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { buildExecutable } from "../build/build.ts"
import { loadDataset, startDruid, wikipedia } from "../druid/index.ts"
import { ask } from "./ask.ts"

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "100000" },
    "port-base": { type: "string", default: "19000" },
    data: { type: "string", default: ".druid/demo" },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
})

if (values.help) {
  console.log(`npm run demo -- [--rows 100000] [--port-base 19000] [--data .druid/demo] [--keep]

  --rows N       rows of wikipedia to load
  --port-base N  Druid's ports are counted from here
  --data DIR     Druid's data folder
  --keep         leave Druid running and the files in place at the end`)
  process.exit(0)
}

const rows = Number(values.rows)
const say = (text: string) => console.log(`\n\x1b[1m── ${text}\x1b[0m`)

/** Runs a program with its output on ours. @throws Error where its exit code is not 0 */
async function show(program: string, args: readonly string[], cwd: string): Promise<void> {
  console.log(`$ druidsync ${args.join(" ")}`)
  const started = performance.now()
  const child = spawn(program, args, { cwd, stdio: "inherit" })
  const code = await new Promise<number | null>((done, fail) => {
    child.on("error", fail)
    child.on("exit", done)
  })
  console.log(`  (${((performance.now() - started) / 1000).toFixed(2)} s)`)
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with exit code ${code}`)
}

async function question(file: string, sql: string): Promise<void> {
  console.log(`D ${sql}`)
  console.log(await ask(file, sql))
}

say(`Starting a real Apache Druid on loopback (data in ${values.data}; the first time its jars are fetched)`)
const druid = await startDruid({
  dataDir: resolve(values.data),
  portBase: Number(values["port-base"]),
  say: (line) => console.log(`  ${line}`),
})
// Not before: where Druid does not start, nothing is left.
const folder = await mkdtemp(join(tmpdir(), "druidsync-demo-"))
try {
  say(`Loading wikipedia: ${rows} rows over 30 days`)
  await loadDataset(druid, wikipedia({ rows }))

  say("Building dist/druidsync")
  const executable = resolve("dist/druidsync")
  await buildExecutable({ outfile: executable })

  const config = join(folder, "druidsync.json")
  const out = join(folder, "analytics.duckdb")
  const { hostname, port } = new URL(druid.routerUrl)
  await writeFile(
    config,
    JSON.stringify({ host: hostname, port: Number(port), datasources: "wikipedia" }, null, 2),
  )
  const pull = ["pull", "--config", config, "--out", out]

  say("First pull: everything")
  await show(executable, pull, folder)

  say("What is in the file")
  await show(executable, ["status", "--out", out], folder)
  await question(
    out,
    "SELECT channel, count(*) AS edits, sum(added) AS added FROM wikipedia GROUP BY ALL ORDER BY edits DESC LIMIT 5",
  )

  say("Second pull: nothing is new, nothing is fetched")
  await show(executable, pull, folder)

  say("Adding 1% late rows to Druid, into a day that was pulled already")
  await loadDataset(
    druid,
    wikipedia({ rows: Math.max(1, Math.round(rows / 100)), seed: 2, start: "2016-06-15", days: 1 }),
    {
      append: true,
    },
  )

  say("Third pull: only what the late rows touched")
  await show(executable, pull, folder)
  await question(out, "SELECT count(*) AS rows, max(__time) AS newest FROM wikipedia")
} finally {
  if (values.keep) {
    say(`Left in place: Druid at ${druid.routerUrl}, the configuration and the DuckDB file in ${folder}`)
    console.log("  while it runs, another demo needs another --data and --port-base; to remove all of it:")
    console.log(`  npm run druid -- down --data ${values.data} --purge`)
    console.log(`  rm -r ${folder}`)
  } else {
    say("Cleaning up")
    await druid.stop({ purge: true })
    await rm(folder, { recursive: true, force: true })
  }
}
