/**
 * A pull that kills itself (SIGKILL: nothing is flushed, nothing tidied up) at its n-th boundary: before and after each
 * call to the database engine and to Druid, and at each event. The product has no hook for this: its ports are wrapped.
 *
 * Arguments: config, out, n; 0 runs to the end. Prints the name of each boundary that it passes.
 */
import { randomUUID } from "node:crypto"
import { writeSync } from "node:fs"
import { loadConfig } from "../../src/config/load.ts"
import { createCatalog } from "../../src/druid/catalog.ts"
import { openEngine } from "../../src/store/engine.ts"
import { databaseFile } from "../../src/store/file.ts"
import { acquireRunLock } from "../../src/store/run-lock.ts"
import { pull } from "../../src/sync/pull.ts"
import { openClient } from "../../src/sync/session.ts"

const [configPath = "", out = "", nText = "0"] = process.argv.slice(2)
const last = Number(nText)
let passed = 0

function boundary(name: string): void {
  passed++
  if (last === 0) writeSync(1, `${name}\n`)
  if (passed === last) {
    writeSync(1, `${name}\n`)
    process.kill(process.pid, "SIGKILL")
  }
}

/** The same object, with a boundary before and after each call of its methods. */
function bounded<T extends object>(target: T, what: string): T {
  return new Proxy(target, {
    get(object, key) {
      const value = Reflect.get(object, key)
      if (typeof value !== "function" || key === "close") return value
      return (...args: unknown[]) => {
        const detail = typeof args[0] === "string" ? ` ${args[0].slice(0, 60).replace(/\s+/g, " ")}` : ""
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
const lock = await acquireRunLock(engine, { path: out, waitMs: 0, ...clock })
boundary("locked")
const client = openClient(settings, "0.0.0-test", clock, randomUUID)
const bare = bounded(client, "druid")
const names = settings.datasources.map((one) => one.name)
const report = await pull(
  {
    client: bare,
    catalog: createCatalog(bare, names),
    engine,
    file: databaseFile(engine, { path: out, lockWaitMs: 0, ...clock }),
    spoolDir: lock.spoolDir,
    clock,
    emit: (event) => boundary(`event ${event.type}`),
    signal,
  },
  {
    runId: randomUUID(),
    datasources: settings.datasources,
    pull: { ...settings.pull, sliceRows: 20, concurrency: 2 },
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
