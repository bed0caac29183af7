/**
 * Random faults × random changes in a real Druid × pulls, for as long as one likes:
 *
 *     bun scripts/soak/soak.ts [--minutes 30] [--rounds N] [--seed N] [--rows 2000] [--druid DIR | --port-base 18600]
 *       [--way plain] [--no-things] [--slow N]
 *
 * Each round may change Druid, sends one or more pulls through the fault proxy (some of which are killed), then one without
 * a fault, and compares the table with Druid. After every pull that exits 0 on a Druid at rest the two must be equal. The
 * pulls go through another proxy, with tokens that run out after seconds (`way.ts`); `--way plain` leaves that out. The
 * user makes things of their own in the file (`things.ts`), which have to be there for good, and changes rows of ours.
 * `--slow 8` is for a machine that has other work: tokens live eight times as long, and timeouts are as much longer.
 * Without `--druid` it starts a Druid of its own and takes it down. Exit 1 at the first thing that is wrong; the folder
 * with config and database is kept then.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { parseArgs } from "node:util"
import { query, readTable } from "../../test/support/conformance/duckdb.ts"
import { liveWorld } from "../../test/support/conformance/live-world.ts"
import { difference } from "../../test/support/conformance/rows.ts"
import { bunSource, executable, type Result, type Runner } from "../../test/support/conformance/runner.ts"
import {
  type FaultProxy,
  faults,
  type Kind,
  type Plan,
  startFaultProxy,
} from "../../test/support/fault-proxy/index.ts"
import { Random } from "../druid/datasets/random.ts"
import { attachDruid, type Druid, markUnused, startDruid, waitSettled } from "../druid/index.ts"
import { Changing } from "./change.ts"
import { Tally } from "./tally.ts"
import { Things } from "./things.ts"
import { Way } from "./way.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    rounds: { type: "string", default: "1000000" },
    seed: { type: "string" },
    rows: { type: "string", default: "2000" },
    druid: { type: "string" },
    "port-base": { type: "string", default: "18600" },
    executable: { type: "boolean", default: false },
    way: { type: "string", default: "long" },
    "no-things": { type: "boolean", default: false },
    slow: { type: "string", default: "1" },
  },
})

const seed = Number(values.seed ?? Date.now() % 1_000_000)
const random = new Random(seed)
const tally = new Tally()
const slow = Number(values.slow)
const deadlineMs = performance.now() + Number(values.minutes) * 60_000
const folder = resolve(".druid", `soak-${process.pid}`)
const out = join(folder, "copy.duckdb")
const configPath = join(folder, "config.json")
const TABLE = "soak"
/** as often as a pull comes to them */
const KINDS: readonly Kind[] = [
  "columns",
  "segments",
  "segments",
  "types",
  "segmentMetadata",
  "counts",
  "bounds",
  "histogram",
  "scan",
  "scan",
  "scan",
]
/** Faults after which a complete-looking answer may be an old one: no pull can tell (docs/trust.md). */
const LIES = new Set(["stale answer without an id", "a row left out", "no row at all"])

let stopped = false
process.on("SIGINT", () => {
  stopped = true
})

class Wrong extends Error {}

async function main(): Promise<void> {
  console.error(`soak: --seed ${seed}`)
  mkdirSync(folder, { recursive: true })
  const own = values.druid === undefined
  const druid = own
    ? await startDruid({
        dataDir: resolve(".druid", "soak"),
        portBase: Number(values["port-base"]),
        say: (line) => console.error(line),
      })
    : await attachDruid(values.druid!)
  let proxy: FaultProxy | undefined
  try {
    proxy = await startFaultProxy(druid.routerUrl)
    await soak(druid, proxy)
    rmSync(folder, { recursive: true, force: true })
  } finally {
    await proxy?.stop()
    if (own) await druid.stop({ purge: true })
    for (const line of tally.lines()) console.log(line)
    console.log(`seed: ${seed}`)
  }
}

async function soak(druid: Druid, proxy: FaultProxy): Promise<void> {
  const world = liveWorld(druid, `soak ${seed}-${process.pid}`)
  const changing = new Changing(world, random, world.name("soak"), Number(values.rows))
  const runner = values.executable ? executable() : bunSource()
  await changing.create()
  const way = values.way === "plain" ? undefined : await Way.open(proxy.port, tally, slow)
  const things = new Things(out)
  const hasThings = !values["no-things"]
  const config = {
    ...(way?.config ?? { host: "127.0.0.1", port: proxy.port, protocol: "http" }),
    datasources: [{ name: changing.datasource, table: TABLE, deletions: "mirror" }],
    sliceRows: Math.max(10, Math.round(Number(values.rows) / 3)),
    gzip: random.chance(0.5),
    requestTimeout: `${5 * slow}s`,
    idleTimeout: `${3 * slow}s`,
  }
  writeFileSync(configPath, JSON.stringify(config), { mode: 0o600 })
  try {
    for (
      let round = 1;
      round <= Number(values.rounds) && performance.now() < deadlineMs && !stopped;
      round++
    ) {
      await play(round, druid, changing, proxy, runner)
      if (hasThings && round > 1 && random.chance(0.3)) tally.add("meddling", await things.meddle(random))
      const truth = await world.truth(changing.datasource)
      await mustComplete(proxy, runner)
      await mustBeTruthful()
      // Columns of the user's own, and those that Druid has no more, stay in the table.
      const wrong = difference((await readTable(out, TABLE, truth.columns)).rows, truth.rows)
      if (wrong !== undefined) throw new Wrong(`round ${round}: exit 0, but ${wrong}`)
      const missing = await things.missing()
      if (missing.length > 0) throw new Wrong(`round ${round}: of the user's things are gone: ${missing}`)
      tally.add("rounds", "equal")
      const made = hasThings ? await things.makeOne() : undefined
      if (made !== undefined) tally.add("things that the user made", made)
    }
  } finally {
    way?.close()
    await markUnused(druid, changing.datasource)
  }
}

/** A change, or none, and pulls with faults beside it or after it. */
async function play(
  round: number,
  druid: Druid,
  changing: Changing,
  proxy: FaultProxy,
  runner: Runner,
): Promise<void> {
  const change = changing.next()
  const pulls = random.below(3)
  const plans = Array.from({ length: pulls }, () => (random.chance(0.8) ? randomPlan() : undefined))
  const said = [
    change?.name ?? "no change",
    ...plans.map((plan) => (plan === undefined ? "a pull" : planText(plan))),
  ]
  console.error(`round ${round}: ${said.join("; ")}`)
  tally.add("changes", change?.name ?? "none")
  const beside = random.chance(0.5)
  const applied = change?.apply() ?? Promise.resolve()
  // Waited for below; a pull that fails first must not leave it unheard.
  applied.catch(() => undefined)
  if (!beside) await applied.catch(() => undefined)
  for (const plan of plans) {
    proxy.arm(plan)
    const opening =
      plan?.fault.name === "refused" && plan.mode === "once"
        ? setTimeout(() => void proxy.open(), 5_000)
        : undefined
    await pull(runner, random.chance(0.25))
    clearTimeout(opening)
    if (plan !== undefined)
      tally.add(
        proxy.seen.some((one) => one.hit) ? "faults" : "faults that found nothing to strike",
        plan.fault.name,
      )
    await proxy.open()
    proxy.arm()
    await mustBeTruthful()
  }
  await applied.catch(async (error: unknown) => {
    // Druid's own trouble (a task that timed out on a busy machine) is not what is tried here.
    tally.add("changes that Druid did not finish in time", change!.name)
    console.error(`round ${round}: ${error instanceof Error ? error.message : String(error)}`)
    await waitSettled(druid, changing.datasource)
  })
}

function randomPlan(): Plan {
  const kind = random.pick(KINDS)
  const possible = faults.filter(
    (fault) => !LIES.has(fault.name) && (fault.at === undefined || fault.at(kind)),
  )
  // Few of the answers have a character of several bytes here, and compression is for the whole soak.
  const fitting = possible.filter((fault) => !fault.name.includes("character"))
  return {
    fault: random.pick(fitting),
    kind,
    n: kind === "segments" || kind === "scan" ? 1 + random.below(3) : 1,
    mode: random.chance(0.6) ? "once" : "stays",
  }
}

function planText({ fault, kind, n, mode }: Plan): string {
  return `${fault.name} at ${kind} ${n}, ${mode}`
}

async function pull(runner: Runner, killed: boolean): Promise<Result> {
  const startedMs = performance.now()
  const running = runner.start([
    "pull",
    "--config",
    configPath,
    "--out",
    out,
    "--json",
    "--settle-wait",
    "5s",
    // Full lanes are waited out for an hour.
    "--max-duration",
    `${60 * slow}s`,
  ])
  if (killed) {
    const signal = random.pick(["SIGKILL", "SIGKILL", "SIGINT", "SIGTERM"] as const)
    await Promise.race([delay((300 + random.float() * 4_000) * slow), running.result])
    running.kill(signal)
    tally.add("signals", signal)
  }
  const result = await running.result
  tally.add("exit codes", String(result.exitCode ?? "killed"))
  const seconds = (performance.now() - startedMs) / 1000
  if (seconds > 300 * slow) throw new Wrong(`a pull took ${Math.round(seconds)} s`)
  if (/this is a bug/.test(result.stderr)) throw new Wrong(`a bug: ${result.stderr}`)
  return result
}

/** Whatever came before: without a fault, on a Druid at rest, a pull is complete. */
async function mustComplete(proxy: FaultProxy, runner: Runner): Promise<void> {
  proxy.arm()
  const { exitCode, stdout, stderr } = await pull(runner, false)
  if (exitCode !== 0) throw new Wrong(`exit ${exitCode} without a fault:\n${stderr}\n${stdout}`)
}

/** At any moment the file opens, and its checkpoints count what is there. */
async function mustBeTruthful(): Promise<void> {
  const tables = await query(out, "SELECT table_name FROM duckdb_tables()").catch((error: Error) => {
    // A file that was never made is no lie.
    if (/does not exist|No such file|Cannot open/.test(error.message)) return []
    throw new Wrong(`the file does not open: ${error.message}`)
  })
  if (!tables.some((row) => row.table_name === TABLE)) return
  const [row] = await query(
    out,
    `SELECT (SELECT count(*) FROM ${TABLE}) AS held, (SELECT coalesce(sum(rows), 0)::BIGINT FROM _sync_chunks) AS said`,
  )
  if (row!.held !== row!.said) throw new Wrong(`${row!.held} rows, the checkpoints say ${row!.said}`)
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Wrong ? `WRONG: ${error.message}` : error)
  console.error(`kept: ${folder}; again: --seed ${seed}`)
  process.exitCode = 1
}
