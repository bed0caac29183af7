/**
 * Opens what a run needs (connection, engine, the user's file, the run lock) from the configuration, and closes all
 * of it whatever happens.
 */
import { setMaxListeners } from "node:events"
import { availableParallelism } from "node:os"
import type { Clock } from "../base/clock.ts"
import { isLoopback } from "../config/host.ts"
import type { Settings } from "../config/settings.ts"
import type { Retries } from "../druid/ask.ts"
import { createCatalog } from "../druid/catalog.ts"
import { createClient, type DruidClient } from "../druid/client.ts"
import { type Listing, readListing } from "../druid/listing.ts"
import { createTransport } from "../druid/transport.ts"
import type { Emit } from "../pull/events.ts"
import type { Ports } from "../pull/ports.ts"
import type { TimeLimit } from "../pull/time-limit.ts"
import { type Engine, openEngine } from "../store/engine.ts"
import { type DatabaseFile, databaseFile } from "../store/file/file.ts"
import { acquireRunLock } from "../store/file/run-lock.ts"

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
  /** no lock is waited for beyond it */
  readonly limit?: TimeLimit | undefined
}

/** The HTTP client for these settings. The caller closes it. @param onRetry undefined: nothing is asked again */
export function openClient(
  settings: Settings,
  version: string,
  clock: Clock,
  newId: () => string,
  onRetry?: Retries["onRetry"],
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
    secrets: () => secretsOf(settings),
    transport,
    // Over loopback gzip only costs: both ends share the processor, and the bytes never touch a wire.
    gzip: druid.gzip === "auto" ? !isLoopback(druid.host) : druid.gzip,
    queryTimeoutMs: druid.queryTimeoutMs,
    priority: druid.priority,
    context: druid.context,
    userAgent: `druidsync/${version}`,
    newId,
    nowMs: clock.nowMs,
    retries: onRetry === undefined ? undefined : { clock, onRetry },
  })
}

/** Every form that a credential has on the wire; longest first, so that no rest of one is left. */
function secretsOf({ druid: { auth, tls } }: Settings): string[] {
  const basic =
    auth?.kind === "basic" ? [auth.password.reveal(), authorization(auth).slice("Basic ".length)] : []
  const bearer = auth?.kind === "bearer" ? [auth.token.reveal()] : []
  const all = [...basic, ...bearer, tls.passphrase?.reveal() ?? ""]
  // Redirects repeat them as part of an address. Shorter ones stand in too many innocent words.
  const forms = [...all, ...all.filter((one) => one.isWellFormed()).map(encodeURIComponent)].filter(
    (secret) => secret.length >= 4,
  )
  return forms.sort((a, b) => b.length - a.length)
}

function authorization(auth: NonNullable<Settings["druid"]["auth"]>): string {
  if (auth.kind === "bearer") return `Bearer ${auth.token.reveal()}`
  return `Basic ${Buffer.from(`${auth.username}:${auth.password.reveal()}`, "utf8").toString("base64")}`
}

/**
 * Runs `work` with everything open, under the run lock.
 * @throws DruidsyncError `locked` where another run or program has the file, `file` where it cannot be written
 */
export function withSession<T>(options: SessionOptions, work: (ports: Ports) => Promise<T>): Promise<T> {
  const { settings, out, clock, limit } = options
  const signal = limit === undefined ? options.signal : AbortSignal.any([options.signal, limit.cut])
  const inner = { ...options, signal }
  return withClient(inner, (client, listing) =>
    withEngine(inner, async (engine) => {
      let hasWaited = false
      const say = sayingWhoHolds(options, out)
      const onWait = (holder: string) => {
        hasWaited = true
        say(holder)
      }
      const lock = await acquireRunLock(engine, {
        path: out,
        spoolDir: settings.pull.spoolDir,
        waitMs: Math.min(options.lockWaitMs, limit?.leftMs() ?? Infinity),
        clock,
        onWait,
        signal,
      })
      try {
        await engine.run(`SET temp_directory = '${lock.spoolDir.replaceAll("'", "''")}/duckdb'`)
        const file = databaseFile(engine, {
          path: out,
          // The last word of a run that was cut still gets a moment.
          get lockWaitMs() {
            return Math.min(options.lockWaitMs, Math.max(1_000, limit?.leftToFinishMs() ?? Infinity))
          },
          clock,
          onWait: say,
        })
        // What was asked before a wait is an old answer by now.
        const catalog = createCatalog(client, options.datasources, hasWaited ? undefined : listing)
        return await work(await portsOf(inner, { client, catalog, engine, file, spoolDir: lock.spoolDir }))
      } finally {
        await lock.release()
      }
    }),
  )
}

/**
 * The same for work that only looks (`plan`, `schema`): takes no lock and makes neither file nor folder; while a pull
 * commits, a read waits. A write is refused as the bug that it would be.
 * @param options `out` may be left out where no file is asked about: then it counts as one that does not exist yet
 */
export function withReadSession<T>(
  options: Omit<SessionOptions, "out"> & { readonly out: string | undefined },
  work: (ports: Ports) => Promise<T>,
): Promise<T> {
  const { out, clock, lockWaitMs } = options
  return withClient(options, (client, listing) =>
    withEngine(options, async (engine) => {
      // Nothing that only looks needs more than memory; DuckDB's default would be a folder where the user stands.
      await engine.run("SET temp_directory = ''")
      const path = out ?? ""
      const real = databaseFile(engine, {
        path,
        lockWaitMs,
        clock,
        onWait: sayingWhoHolds(options, path),
      })
      const write = () => Promise.reject(new Error("a session that only looks must not write"))
      const file: DatabaseFile = {
        path,
        exists: () => out !== undefined && real.exists(),
        read: (work, signal) => real.read(work, signal),
        write,
      }
      const catalog = createCatalog(client, options.datasources, listing)
      return work(await portsOf(options, { client, catalog, engine, file, spoolDir: "" }))
    }),
  )
}

type Opening = Omit<SessionOptions, "out">

function sayingWhoHolds({ emit }: Opening, out: string): (holder: string) => void {
  return (holder) => emit({ type: "waiting", message: `waiting for ${holder} to let go of ${out}` })
}

/**
 * One processor is left to what receives, and where Druid is on the same machine, to Druid. On two, a second thread made
 * loading dearer and no faster.
 */
export function engineThreads(processors: number): number {
  return Math.max(1, Math.min(4, processors - 1))
}

async function withEngine<T>(options: Opening, work: (engine: Engine) => Promise<T>): Promise<T> {
  // Every request and every wait listens for the interruption; that many at once are no leak.
  setMaxListeners(0, options.signal)
  const engine = await openEngine({
    memoryLimit: `${Math.floor(options.settings.pull.memoryLimitBytes / 1e6)}MB`,
    threads: engineThreads(availableParallelism()),
  })
  try {
    return await work(engine)
  } finally {
    engine.close()
  }
}

/** Turns of the event loop in which a request leaves over a connection of this machine. */
const TURNS_TO_SEND = 3

/** Asks for the columns first of all: Druid answers while DuckDB is loaded, a fifth of a second that blocks this thread. */
async function withClient<T>(
  options: Opening,
  work: (client: DruidClient, listing: Promise<Listing>) => Promise<T>,
): Promise<T> {
  const { settings, version, clock, newId, emit } = options
  const client = openClient(settings, version, clock, newId, ({ message }, waitMs, attempt) =>
    emit({ type: "retry", message, waitMs, attempt }),
  )
  try {
    const listing = readListing(client, options.datasources, options.signal)
    // What goes wrong is said by the first look, which asks again where that may help.
    listing.catch(() => undefined)
    for (let turn = 0; turn < TURNS_TO_SEND; turn++) await new Promise((resolve) => setImmediate(resolve))
    return await work(client, listing)
  } finally {
    await client.close()
  }
}

async function portsOf(
  { clock, emit, signal }: Opening,
  opened: Pick<Ports, "client" | "catalog" | "engine" | "file" | "spoolDir">,
): Promise<Ports> {
  return { ...opened, loader: await opened.engine.beside(), clock, emit, signal }
}
