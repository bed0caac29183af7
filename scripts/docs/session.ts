/**
 * Plays a session with the executable on a real Druid and writes it as docs/session.svg, the picture of the README:
 *
 *     npm run build && bun scripts/docs/session.ts [--rows 100000] [--port-base 21000] [--data .druid/session] [--attach]
 *
 * Starts a Druid, loads wikipedia, adds late rows between the pulls, and takes everything down. With `--attach` it takes the
 * Druid that runs in the data folder, with wikipedia loaded, and leaves it running.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { attachDruid, startDruid } from "../druid/cluster.ts"
import { loadDataset, wikipedia } from "../druid/index.ts"
import { type Scene, sessionSvg } from "./session-svg.ts"
import { play } from "./terminal.ts"

const COLUMNS = 124
const QUESTION = "SELECT channel, count(*) AS edits FROM wikipedia GROUP BY ALL ORDER BY 2 DESC LIMIT 3"

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "100000" },
    "port-base": { type: "string", default: "21000" },
    data: { type: "string", default: ".druid/session" },
    attach: { type: "boolean", default: false },
  },
})

const executable = resolve("dist/druidsync")
const dataDir = resolve(values.data)
const druid = values.attach
  ? await attachDruid(dataDir)
  : await startDruid({ dataDir, portBase: Number(values["port-base"]), say: console.error })
const folder = await mkdtemp(join(tmpdir(), "druidsync-session-"))
try {
  if (!values.attach) await loadDataset(druid, wikipedia({ rows: Number(values.rows) }))
  const { host } = new URL(druid.routerUrl)
  const scenes: Scene[] = []
  // The address, and what is usual for the rest.
  await scene("init", { answers: [host.replace("127.0.0.1", "localhost"), "", "", "", ""] })
  await scene("plan -o analytics.duckdb")
  await scene("pull -o analytics.duckdb", { glimpse: /[5-8]\d %/ })
  await scene(`query -o analytics.duckdb "${QUESTION}"`)
  scenes.push({ remark: "late rows arrive in Druid, for a day that is copied already" })
  await loadDataset(druid, wikipedia({ rows: 1_000, seed: 2, start: "2016-06-15", days: 1 }), {
    append: true,
  })
  await scene("pull -o analytics.duckdb")
  const title =
    "A session: druidsync init, plan, pull, a question in SQL, and a pull that fetches only what is new"
  await writeFile(resolve("docs/session.svg"), sessionSvg(title, scenes, COLUMNS))

  async function scene(line: string, more: { answers?: string[]; glimpse?: RegExp } = {}): Promise<void> {
    const words = [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word)
    const { lines, glimpsed } = await play([executable, ...words], { cwd: folder, columns: COLUMNS, ...more })
    // A line of the progress, as it was on the way.
    const passing = glimpsed?.slice(-1) ?? []
    scenes.push({ command: `druidsync ${line}`, lines: [...passing, ...lines] })
  }
} finally {
  if (!values.attach) await druid.stop({ purge: true })
  await rm(folder, { recursive: true, force: true })
}
