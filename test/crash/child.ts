/**
 * A pull that kills itself (SIGKILL: nothing is flushed, nothing tidied up) at one boundary: before and after each
 * call to the database engine and to Druid, and at each event. The product has no hook for this: its ports are wrapped.
 *
 * Arguments: config, out, and the boundary to die at: its name and which one of that name (1 is the first). Without, it
 * runs to the end and prints each boundary that it passes: its name, a tab, and what the disk holds there (disk-digest.ts).
 */
import { randomUUID } from "node:crypto"
import { writeSync } from "node:fs"
import { loadConfig } from "../../src/config/load.ts"
import { createCatalog } from "../../src/druid/catalog.ts"
import { openClient } from "../../src/kit/client.ts"
import { pull } from "../../src/pull/run.ts"
import { openEngine } from "../../src/store/engine.ts"
import { databaseFile } from "../../src/store/file/file.ts"
import { acquireRunLock } from "../../src/store/file/run-lock.ts"
import { segmentsDesk } from "../../src/store/look/desk.ts"
import { diskDigest } from "./disk-digest.ts"

const [configPath = "", out = "", last, nth = "1"] = process.argv.slice(2)
let left = Number(nth)
let writes = 0

function boundary(what: string): void {
  // Numbers and paths differ from run to run; what is done is the same.
  const name = what.replaceAll(out, "OUT").replace(/\d+/g, "N").slice(0, 70).replace(/\s+/g, " ").trim()
  if (last === undefined) writeSync(1, `${name}\t${diskDigest(out)}\n`)
  else if (name === last && --left === 0) process.kill(process.pid, "SIGKILL")
}

/** The same object, with a boundary before and after each call of its methods. */
function bounded<T extends object>(target: T, what: string): T {
  return new Proxy(target, {
    get(object, key) {
      const value = Reflect.get(object, key)
      if (typeof value !== "function" || key === "close") return value
      return (...args: unknown[]) => {
        const detail = typeof args[0] === "string" ? ` ${args[0]}` : ""
        boundary(`before ${what}.${String(key)}${detail}`)
        const result: unknown = Reflect.apply(value, object, args)
        if (!(result instanceof Promise)) return result
        return result.then((done) => {
          boundary(`after ${what}.${String(key)}${detail}`)
          return done
        })
      }
    },
  })
}

const settings = await loadConfig(configPath, { env: {}, overrides: {} })
const signal = new AbortController().signal
const clock = { nowMs: () => Date.now(), sleep: () => Promise.resolve() }
const engine = bounded(await openEngine({ memoryLimit: "200MB", threads: 1 }), "engine")
const lock = await acquireRunLock(engine, { path: out, waitMs: 0, clock })
boundary("locked")
const client = openClient(
  settings,
  { version: "0.0.0-test", clock, newId: randomUUID },
  {
    onRetry: () => boundary("event retry"),
    onNotice: () => boundary("event warning"),
  },
)
const bare = bounded(client, "druid")
const names = settings.datasources.map((one) => one.name)
const report = await pull(
  {
    client: bare,
    catalog: createCatalog(
      bare,
      names,
      segmentsDesk(await engine.beside(), async () => lock.spoolDir),
    ),
    engine,
    loader: bounded(await engine.beside(), "loader"),
    // By turns in a copy and in place.
    file: databaseFile(engine, { path: out, lockWaitMs: 0, clock, copies: () => writes++ % 2 === 0 }),
    spoolDir: lock.spoolDir,
    clock,
    emit: (event) => boundary(`event ${event.type}`),
    signal,
  },
  {
    runId: randomUUID(),
    datasources: settings.datasources,
    pull: { ...settings.pull, sliceRows: 40, concurrency: 2 },
    full: false,
    sinceMs: undefined,
    untilMs: undefined,
    settleWaitMs: 0,
  },
)
await client.close()
boundary("before release")
await lock.release()
boundary("after release")
process.exit(report.exitCode)
