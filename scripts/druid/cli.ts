/** `npm run druid -- up|status|load|down`: a real Druid for development, on loopback. */
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { attachDruid, remainsOf, startDruid, stopDruid } from "./cluster.ts"
import { DATASETS } from "./datasets/index.ts"
import { loadDataset } from "./load.ts"
import { findProcesses } from "./processes.ts"
import { readMade } from "./state.ts"

const HELP = `A real Apache Druid on loopback, from Maven Central's jars (needs a JDK 17 and Maven).

  npm run druid -- up     [--data DIR] [--port-base N] [--druid VERSION] [--kafka] [--historicals N]
  npm run druid -- status [--data DIR]
  npm run druid -- load   [--data DIR] [--rows N] [--seed N] [--append] [DATASET…]   (default: all)
  npm run druid -- down   [--data DIR] [--purge]

  --data DIR       where it keeps everything, one folder per Druid   (default .druid/dev)
  --port-base N    ports N+1 to N+91, the router on N+88             (default 18000)
  --druid VERSION  33.0.0, 28.0.0 or 25.0.0                          (default 33.0.0)
                   a data folder remembers these, --kafka and --historicals: without the flag, up takes what was there
  --purge          remove the data folder as well

Datasets: ${Object.keys(DATASETS).join(", ")}`

async function main(argv: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      data: { type: "string" },
      "port-base": { type: "string" },
      druid: { type: "string" },
      kafka: { type: "boolean" },
      historicals: { type: "string" },
      rows: { type: "string" },
      seed: { type: "string" },
      append: { type: "boolean", default: false },
      purge: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  })
  const dataDir = values.data
    ? resolve(values.data)
    : fileURLToPath(new URL("../../.druid/dev", import.meta.url))
  const [verb, ...rest] = positionals
  if (values.help || verb === undefined) {
    console.log(HELP)
    return
  }
  switch (verb) {
    case "up": {
      const remains = await remainsOf(dataDir)
      if (remains !== undefined) {
        console.error(`What runs in ${dataDir} is not whole (${remains}): it is taken down and started anew`)
        await stopDruid(dataDir)
      } else if ((await findProcesses(dataDir)).length > 0) {
        const druid = await attachDruid(dataDir)
        await druid.ready()
        console.error(`Already up in ${dataDir}`)
        console.log(druid.routerUrl)
        return
      }
      endOnSignals(dataDir)
      const made = await readMade(dataDir)
      const number = (option: "port-base" | "historicals") =>
        values[option] === undefined ? undefined : whole(`--${option}`, values[option])
      const druid = await startDruid({
        dataDir,
        portBase: number("port-base") ?? made?.portBase ?? 18_000,
        version: values.druid ?? made?.version ?? "33.0.0",
        kafka: values.kafka ?? made?.kafka ?? false,
        historicals: number("historicals") ?? made?.historicals ?? 1,
        say: console.error,
      })
      console.log(druid.routerUrl)
      return
    }
    case "status": {
      const druid = await attachDruid(dataDir)
      const rows = await druid.status()
      for (const { service, port, pid, running, healthy } of rows) {
        const state = healthy ? "healthy" : running ? "not healthy" : "not running"
        console.log(`${service.padEnd(14)} port ${port}  PID ${String(pid).padEnd(8)} ${state}`)
      }
      console.log(`router: ${druid.routerUrl}`)
      if (rows.some(({ healthy }) => !healthy)) process.exitCode = 1
      return
    }
    case "load": {
      const druid = await attachDruid(dataDir)
      const names = rest.length > 0 ? rest : Object.keys(DATASETS)
      const unknown = names.filter((name) => DATASETS[name] === undefined)
      if (unknown.length > 0)
        throw new Error(`No such dataset: ${unknown.join(", ")}. ${HELP.split("\n").at(-1)}`)
      for (const name of names) {
        const started = Date.now()
        const dataset = DATASETS[name]!({
          ...(values.rows === undefined ? {} : { rows: whole("--rows", values.rows) }),
          ...(values.seed === undefined ? {} : { seed: whole("--seed", values.seed) }),
        })
        const { rows, segments } = await loadDataset(druid, dataset, { append: values.append })
        const seconds = ((Date.now() - started) / 1000).toFixed(1)
        console.log(`${name}: ${rows} rows in ${segments.length} segments, ${seconds} s`)
      }
      return
    }
    case "down": {
      const ended = await stopDruid(dataDir, { purge: values.purge })
      console.log(
        ended === 0 ? `Nothing was running in ${dataDir}` : `Ended ${ended} processes of ${dataDir}`,
      )
      return
    }
    default:
      throw new Error(`Unknown verb ${verb}\n\n${HELP}`)
  }
}

/** Ctrl-C during `up` leaves nothing behind. */
function endOnSignals(dataDir: string): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => {
      stopDruid(dataDir).finally(() => process.exit(130))
    })
}

function whole(option: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${option} takes a whole number, not ${JSON.stringify(text)}`)
  return Number(text)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
