/** Opens what a run needs (Druid, engine, the user's file, the run lock), and closes all of it whatever happens. */
import { setMaxListeners } from "node:events"
import { join } from "node:path"
import type { SegmentsDesk } from "../base/segments-look.ts"
import type { DatasourceSettings, Settings } from "../config/settings.ts"
import { createCatalog } from "../druid/catalog.ts"
import type { DruidClient } from "../druid/client.ts"
import { DirectReader } from "../druid/direct/reader.ts"
import { type Listing, readListing } from "../druid/listing.ts"
import type { Emit } from "../pull/events.ts"
import { PastBroker } from "../pull/pipeline/past-broker.ts"
import type { Ports } from "../pull/ports.ts"
import type { TimeLimit } from "../pull/time-limit.ts"
import { literal, memoryText, threadsHere } from "../store/engine.ts"
import type { DatabaseFile } from "../store/file/file.ts"
import { withFile } from "../store/file/reading.ts"
import { acquireRunLock } from "../store/file/run-lock.ts"
import { segmentsDesk } from "../store/look/desk.ts"
import { withTemporaryDesk } from "../store/look/temporary.ts"
import { readState } from "../store/notes/state.ts"
import { USUAL_MEMORY_BYTES } from "../store/rows/wide.ts"
import { openClient, type Surroundings, tellingBy } from "./client.ts"
import { namesOf } from "./select.ts"
import { sayWait } from "./wait.ts"

export interface SessionOptions extends Surroundings {
  readonly settings: Settings
  /** absolute path of the DuckDB file */
  readonly out: string
  /** says which tables the work is about, with Druid and the file at hand */
  readonly choose: (client: DruidClient, held: () => Promise<readonly string[]>) => Promise<Tables>
  /** names of their datasources, where they are known without Druid: it is asked about them at once */
  readonly known: readonly string[] | undefined
  readonly lockWaitMs: number
  readonly emit: Emit
  readonly signal: AbortSignal
  /** no lock is waited for beyond it */
  readonly limit?: TimeLimit | undefined
}

type Tables = readonly DatasourceSettings[]

/** What a session works with, and the tables that it is about. */
type Work<T> = (ports: Ports, tables: Tables) => Promise<T>

/**
 * Runs `work` with everything open, under the run lock.
 * @throws DruidsyncError `locked` if another run or program has the file, `file` if it cannot be written
 */
export function withSession<T>(options: SessionOptions, work: Work<T>): Promise<T> {
  const { settings, out, clock, limit, emit } = options
  const signal = limit === undefined ? options.signal : AbortSignal.any([options.signal, limit.cut])
  const session = { ...options, signal }
  // A run that was cut short still gets a moment to write down how it ended.
  const lockWaitMs = () => Math.min(options.lockWaitMs, Math.max(1_000, limit?.leftToFinishMs() ?? Infinity))
  return withDruid(session, (client, listing) =>
    withFile({ ...engineOptions(options), path: out, lockWaitMs }, async (engine, file) => {
      let hasWaited = false
      const lock = await acquireRunLock(engine, {
        path: out,
        spoolDir: settings.pull.spoolDir,
        waitMs: Math.min(options.lockWaitMs, limit?.leftMs() ?? Infinity),
        clock,
        onWait: (holder) => {
          hasWaited = true
          sayWait(emit, out)(holder)
        },
        signal,
      })
      try {
        const { spoolDir } = lock
        await engine.run(`SET temp_directory = ${literal(join(spoolDir, "duckdb"))}`)
        // If we waited for the lock, the listing is out of date by now.
        const fresh = hasWaited ? undefined : listing
        const desk = segmentsDesk(await engine.beside(), async () => spoolDir)
        return await workWith(session, { client, engine, file, spoolDir }, desk, fresh, work)
      } finally {
        await lock.release()
      }
    }),
  )
}

/** A session that may do without a file. */
type Opening = Omit<SessionOptions, "out"> & { readonly out: string | undefined }

/**
 * The same for work that only looks (`plan`, `schema`): takes no lock and makes neither file nor folder; while a pull
 * commits, a read waits. A write is refused as the bug that it would be.
 * @param options `out` may be left out where no file is asked about: then it counts as one that does not exist yet
 */
export function withReadSession<T>(options: Opening, work: Work<T>): Promise<T> {
  const { out, lockWaitMs } = options
  const path = out ?? ""
  return withDruid(options, (client, listing) =>
    withFile({ ...engineOptions(options), path, lockWaitMs }, async (engine, real) => {
      const file: DatabaseFile = {
        path,
        exists: () => out !== undefined && real.exists(),
        read: (work, signal) => real.read(work, signal),
        write: () => Promise.reject(new Error("a session that only looks must not write")),
      }
      return withTemporaryDesk(engine, options.settings.pull.spoolDir, (desk) =>
        workWith(options, { client, engine, file, spoolDir: "" }, desk, listing, work),
      )
    }),
  )
}

/** @param listing of the columns, if Druid was asked already; undefined: the catalog asks */
async function workWith<T>(
  options: Opening,
  opened: Pick<Ports, "client" | "engine" | "file" | "spoolDir">,
  desk: SegmentsDesk,
  listing: Promise<Listing> | undefined,
  work: Work<T>,
): Promise<T> {
  const { settings, clock, emit, signal } = options
  const tables = await options.choose(opened.client, () => heldNames(opened, signal))
  const ports = {
    ...opened,
    catalog: createCatalog(opened.client, namesOf(tables), desk, listing),
    direct: pastBroker(options, opened.client),
    // How the file identifies the cluster: with or without TLS, it is the same one.
    origin: settings.druid.url.replace(/^https?:\/\//, ""),
    loader: await opened.engine.beside(),
    clock,
    emit,
    signal,
  }
  return work(ports, tables)
}

/** Names of the datasources that the file has tables of. */
async function heldNames(
  { engine, file }: Pick<Ports, "engine" | "file">,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return [...(await readState(engine, file, signal)).held.values()].map(({ datasource }) => datasource)
}

/** How the engine of a session and its file are opened. */
function engineOptions({ settings, clock, emit, out }: Opening) {
  return {
    clock,
    onWait: sayWait(emit, out),
    // Hints are worded for a pull.
    onlyLooks: false,
    memoryLimit: memoryText(settings.pull.memoryLimitBytes ?? USUAL_MEMORY_BYTES),
    // One processor is left to what receives, and where Druid is on the same machine, to Druid. On two, a second thread
    // made loading dearer and no faster.
    threads: threadsHere({ spare: 1 }),
  }
}

/** Turns of the event loop in which a request leaves over a connection of this machine. */
const TURNS_TO_SEND = 3

/** Asks for the columns first of all: Druid answers while DuckDB is loaded, a fifth of a second that blocks this thread. */
async function withDruid<T>(
  { settings, version, clock, newId, emit, known, signal }: Opening,
  work: (client: DruidClient, listing: Promise<Listing> | undefined) => Promise<T>,
): Promise<T> {
  // Every request and every wait listens for the interruption; that many at once are no leak.
  setMaxListeners(0, signal)
  const client = openClient(settings, { version, clock, newId }, tellingBy(emit))
  try {
    const listing = known === undefined ? undefined : readListing(client, known, signal)
    // Ignored here: the first look asks again, and reports the error if it persists.
    listing?.catch(() => undefined)
    for (let turn = 0; turn < TURNS_TO_SEND; turn++) await new Promise((resolve) => setImmediate(resolve))
    return await work(client, listing)
  } finally {
    await client.close()
  }
}

/** Reads segments past the broker, where the user asked for it. */
function pastBroker(
  { settings: { druid }, clock, emit }: Opening,
  client: DruidClient,
): PastBroker | undefined {
  if (!druid.direct) return undefined
  const refused = (why: string) =>
    emit({ type: "warning", message: `nothing is fetched past the broker any more: ${why}` })
  return new PastBroker(new DirectReader(client, druid.protocol, refused, clock.nowMs))
}
