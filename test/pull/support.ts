/**
 * Runs the loop against a fake Druid inside the test's own process: real client, real engine, real file; a clock that
 * jumps instead of waiting.
 */

import { existsSync, readdirSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { DatasourceSettings, PullSettings } from "../../src/config/settings.ts"
import { createCatalog } from "../../src/druid/catalog.ts"
import { createClient } from "../../src/druid/client.ts"
import { DirectReader } from "../../src/druid/direct/reader.ts"
import { createTransport } from "../../src/druid/transport.ts"
import type { PullReport } from "../../src/pull/document.ts"
import type { SyncEvent } from "../../src/pull/events.ts"
import { PastBroker } from "../../src/pull/pipeline/past-broker.ts"
import type { Ports, PullRequest } from "../../src/pull/ports.ts"
import { pull } from "../../src/pull/run.ts"
import { openEngine } from "../../src/store/engine.ts"
import { databaseFile } from "../../src/store/file/file.ts"
import { segmentsDesk } from "../../src/store/look/desk.ts"
import type { FakeDruid, World } from "../support/fake-druid/fake-druid.ts"
import { pullSettings } from "../support/pull-settings.ts"
import { stateWithParts } from "../support/state-with-parts.ts"

/** A clock that is moved by waiting for it. */
export class JumpingClock {
  ms = Date.UTC(2024, 0, 1)
  readonly slept: number[] = []
  /** called before each jump: Druid may change meanwhile */
  onSleep: (ms: number, nth: number) => void = () => undefined

  nowMs = () => this.ms
  sleep = async (ms: number, signal?: AbortSignal) => {
    signal?.throwIfAborted()
    this.slept.push(ms)
    this.onSleep(ms, this.slept.length)
    this.ms += ms
    await Promise.resolve()
  }
}

export function datasource(name: string, given: Partial<DatasourceSettings> = {}): DatasourceSettings {
  return {
    name,
    table: name.replace(/\W/g, "_"),
    columns: { include: undefined, exclude: [] },
    filter: undefined,
    sinceMs: undefined,
    deletions: "keep",
    keepMs: "all",
    realtime: "include",
    multiValue: "list",
    rows: "all",
    rowHash: false,
    lookbackMs: 0,
    ...given,
  }
}

export interface RunOptions extends Partial<Omit<PullRequest, "pull">> {
  readonly pull?: Partial<PullSettings>
  readonly signal?: AbortSignal
  readonly firstByteTimeoutMs?: number
  /** what the configuration calls the cluster. Default: nothing is known of it */
  readonly origin?: string
}

/** A user's file and everything that pulls into it. */
export class Bench {
  readonly clock = new JumpingClock()
  readonly events: SyncEvent[] = []
  /** called with each event of a run */
  onEvent: (event: SyncEvent) => void = () => undefined
  readonly fake: FakeDruid
  readonly folder: string
  /** files that the last run left on the spool */
  leftOnSpool: string[] = []
  #runs = 0

  private constructor(fake: FakeDruid, folder: string) {
    this.fake = fake
    this.folder = folder
  }

  static async open(fake: FakeDruid): Promise<Bench> {
    return new Bench(fake, await mkdtemp(join(tmpdir(), "druidsync-sync-")))
  }

  get path(): string {
    return join(this.folder, "out.duckdb")
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Does something with the ports of a run. */
  async with<T>(
    names: readonly string[],
    work: (ports: Ports) => Promise<T>,
    options: RunOptions = {},
  ): Promise<T> {
    const engine = await openEngine({ memoryLimit: "500MB", threads: 1 })
    const transport = createTransport({
      connectTimeoutMs: 2_000,
      firstByteTimeoutMs: options.firstByteTimeoutMs ?? 5_000,
      idleTimeoutMs: 5_000,
      maxSockets: 6,
    })
    const client = createClient({
      baseUrl: this.fake.url,
      transport,
      gzip: false,
      queryTimeoutMs: 300_000,
      priority: -10,
      userAgent: "test",
      nowMs: this.clock.nowMs,
      retries: {
        clock: this.clock,
        onRetry: ({ message }, waitMs, attempt) =>
          this.events.push({ type: "retry", message, waitMs, attempt }),
      },
    })
    const spoolDir = await mkdtemp(join(this.folder, "spool-"))
    try {
      const file = databaseFile(engine, { path: this.path, lockWaitMs: 1_000, clock: this.clock })
      return await work({
        client,
        catalog: createCatalog(
          client,
          names,
          segmentsDesk(await engine.beside(), async () => spoolDir),
        ),
        direct:
          this.fake.dataNodes.length === 0
            ? undefined
            : new PastBroker(new DirectReader(client, "http", () => undefined, this.clock.nowMs)),
        engine,
        loader: await engine.beside(),
        file,
        spoolDir,
        origin: options.origin,
        clock: this.clock,
        emit: (event) => {
          this.events.push(event)
          this.onEvent(event)
        },
        signal: options.signal ?? new AbortController().signal,
      })
    } finally {
      client.close()
      engine.close()
      this.leftOnSpool = readdirSync(spoolDir)
      await rm(spoolDir, { recursive: true, force: true })
    }
  }

  async pull(datasources: readonly DatasourceSettings[], options: RunOptions = {}): Promise<PullReport> {
    const { pull: given, signal: _, firstByteTimeoutMs: __, origin: ___, ...request } = options
    return this.with(
      datasources.map((one) => one.name),
      (ports) =>
        pull(ports, {
          runId: `run-${++this.#runs}`,
          datasources,
          full: false,
          sinceMs: undefined,
          untilMs: undefined,
          settleWaitMs: 0,
          ...request,
          pull: pullSettings(2, given),
        }),
      options,
    )
  }

  /** Rows of a query on the file, which is closed again. */
  query(sql: string): Promise<unknown[][]> {
    return this.with([], async ({ engine, file }) => file.read(() => engine.rows(sql)))
  }

  state() {
    return this.with([], ({ engine, file }) => stateWithParts(engine, file))
  }

  get hasFile(): boolean {
    return existsSync(this.path)
  }
}

/** `{ id → times it is there }` of Druid's rows, by a LONG column that the tests call `id`. */
export function idsInDruid(world: World, name: string): string[] {
  return world
    .rows(name)
    .map((row) => `${row.__time}|${row.id}`)
    .sort()
}

export async function idsInFile(bench: Bench, table: string): Promise<string[]> {
  const rows = await bench.query(`SELECT epoch_ms("__time"), id FROM file."${table}"`)
  return rows.map(([time, id]) => `${time}|${id}`).sort()
}

/** `count` rows spread over a day, with ids from `from`. */
export function dayRows(day: string, count: number, from = 0) {
  const start = Date.parse(`${day}T00:00:00Z`)
  return Array.from({ length: count }, (_, n) => ({
    __time: start + Math.floor((n * 86_400_000) / count),
    id: BigInt(from + n),
  }))
}
