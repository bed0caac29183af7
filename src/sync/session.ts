/**
 * Opens what a run needs (connection, engine, the user's file, the run lock) from the configuration, and closes all
 * of it whatever happens.
 */
import { setMaxListeners } from "node:events"
import { availableParallelism } from "node:os"
import { isLoopback } from "../config/host.ts"
import type { Settings } from "../config/settings.ts"
import { createCatalog } from "../druid/catalog.ts"
import { createClient, type DruidClient } from "../druid/client.ts"
import { createTransport } from "../druid/transport.ts"
import { openEngine } from "../store/engine.ts"
import { databaseFile } from "../store/file.ts"
import { acquireRunLock } from "../store/run-lock.ts"
import type { Emit } from "./events.ts"
import type { Clock, Ports } from "./ports.ts"

export interface SessionOptions {
  readonly settings: Settings
  /** absolute path of the DuckDB file */
  readonly out: string
  /** names of the datasources to look at */
  readonly datasources: readonly string[]
  readonly lockWaitMs: number
  readonly version: string
  readonly clock: Clock
  readonly newId: () => string
  readonly emit: Emit
  readonly signal: AbortSignal
}

/** The HTTP client for these settings. The caller closes it. */
export function openClient(
  settings: Settings,
  version: string,
  clock: Pick<Clock, "nowMs">,
  newId: () => string,
): DruidClient {
  const { druid, pull } = settings
  const { auth, tls } = druid
  const transport = createTransport({
    tls: {
      ca: tls.ca,
      cert: tls.cert,
      key: tls.key?.reveal(),
      passphrase: tls.passphrase?.reveal(),
      serverName: tls.serverName,
    },
    connectTimeoutMs: druid.connectTimeoutMs,
    firstByteTimeoutMs: druid.requestTimeoutMs,
    idleTimeoutMs: druid.idleTimeoutMs,
    maxSockets: pull.concurrency + 4,
  })
  return createClient({
    baseUrl: druid.url,
    ...(auth === undefined ? {} : { authorization: () => authorization(auth) }),
    transport,
    // Over loopback gzip only costs: both ends share the processor, and the bytes never touch a wire.
    gzip: druid.gzip === "auto" ? !isLoopback(druid.host) : druid.gzip,
    queryTimeoutMs: druid.queryTimeoutMs,
    priority: druid.priority,
    context: druid.context,
    userAgent: `druidsync/${version}`,
    newId,
    nowMs: clock.nowMs,
  })
}

function authorization(auth: NonNullable<Settings["druid"]["auth"]>): string {
  if (auth.kind === "bearer") return `Bearer ${auth.token.reveal()}`
  return `Basic ${Buffer.from(`${auth.username}:${auth.password.reveal()}`, "utf8").toString("base64")}`
}

/**
 * Runs `work` with everything open, under the run lock.
 * @throws DruidsyncError `locked` where another run or program has the file, `file` where it cannot be written
 */
export async function withSession<T>(
  options: SessionOptions,
  work: (ports: Ports) => Promise<T>,
): Promise<T> {
  const { settings, out, clock, signal, emit } = options
  // Every request and every wait listens for the interruption; that many at once are no leak.
  setMaxListeners(0, signal)
  const engine = await openEngine({
    memoryLimit: `${Math.floor(settings.pull.memoryLimitBytes / 1e6)}MB`,
    threads: Math.max(1, Math.min(8, availableParallelism())),
  })
  try {
    const onWait = (holder: string) =>
      emit({ type: "waiting", message: `waiting for ${holder} to let go of ${out}` })
    const lock = await acquireRunLock(engine, {
      path: out,
      spoolDir: settings.pull.spoolDir,
      waitMs: options.lockWaitMs,
      sleep: clock.sleep,
      nowMs: clock.nowMs,
      onWait,
      signal,
    })
    const client = openClient(settings, options.version, clock, options.newId)
    try {
      await engine.run(`SET temp_directory = '${lock.spoolDir.replaceAll("'", "''")}/duckdb'`)
      const file = databaseFile(engine, {
        path: out,
        lockWaitMs: options.lockWaitMs,
        sleep: clock.sleep,
        nowMs: clock.nowMs,
        onWait,
      })
      const catalog = createCatalog(client, options.datasources)
      return await work({ client, catalog, engine, file, spoolDir: lock.spoolDir, clock, emit, signal })
    } finally {
      client.close()
      await lock.release()
    }
  } finally {
    engine.close()
  }
}
