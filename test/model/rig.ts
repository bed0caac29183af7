/**
 * Where histories play: one fake Druid, one DuckDB engine, the real HTTP client between them, and ports that can break at
 * any statement or request. Time passes only where it is slept.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Clock } from "../../src/base/clock.ts"
import { createCatalog } from "../../src/druid/catalog.ts"
import { createClient } from "../../src/druid/client.ts"
import { DirectReader } from "../../src/druid/direct/reader.ts"
import { createTransport, type Transport } from "../../src/druid/transport.ts"
import type { SyncEvent } from "../../src/pull/events.ts"
import { PastBroker } from "../../src/pull/pipeline/past-broker.ts"
import type { Ports } from "../../src/pull/ports.ts"
import { type Engine, openEngine } from "../../src/store/engine.ts"
import { companionFolder } from "../../src/store/file/companion.ts"
import { type DatabaseFile, databaseFile } from "../../src/store/file/file.ts"
import { segmentsDesk } from "../../src/store/look/desk.ts"
import { type FakeDruid, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { DataNode } from "../support/fake-druid/http/data-node.ts"

const ENGINE = { memoryLimit: "256MB", threads: 1 } as const

/** Thrown where the process is said to have died. */
export class Died extends Error {}

/** What a pull is watched and disturbed by. */
export interface Disturbance {
  /** before the n-th statement; true: the process dies here */
  readonly onStatement?: (n: number, sql: string) => boolean
  readonly onEvent?: (event: SyncEvent) => void
  readonly onSleep?: (n: number) => void
  /** at the end of each transaction that touched checkpoints: what is seen now is what will be committed */
  readonly beforeCommit?: () => Promise<void>
  /** after each transaction, while nobody has the file open: what a reader finds that comes now */
  readonly afterCommit?: () => Promise<void>
}

export interface OpenPorts extends Ports {
  /** where the file is if the process died: a copy of what the disk held at that moment */
  readonly survivor: string | undefined
}

export class Rig {
  readonly fake: FakeDruid
  engine: Engine
  #loader: Engine
  #looker: Engine
  readonly folder: string
  readonly #transport: Transport
  /** one has every segment, the other replicas of some */
  readonly #nodes: readonly DataNode[]
  #nowMs = Date.parse("2026-06-01T00:00:00Z")
  #files = 0
  #spools = 0

  private constructor(
    fake: FakeDruid,
    nodes: readonly DataNode[],
    engine: Engine,
    [loader, looker]: [Engine, Engine],
    folder: string,
  ) {
    this.fake = fake
    this.#nodes = nodes
    this.engine = engine
    this.#loader = loader
    this.#looker = looker
    this.folder = folder
    this.#transport = createTransport({
      tls: {},
      connectTimeoutMs: 10_000,
      firstByteTimeoutMs: 20_000,
      idleTimeoutMs: 20_000,
      maxSockets: 8,
    })
  }

  static async open(): Promise<Rig> {
    // Memory instead of a disk where there is one: what is tested is order, not the disk.
    const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()
    const folder = mkdtempSync(join(parent, "druidsync-model-"))
    mkdirSync(join(folder, "spool"))
    const engine = await openEngine(ENGINE)
    const fake = await startFakeDruid()
    const nodes = [await DataNode.start(fake), await DataNode.start(fake)]
    nodes[1]!.has = ({ partition }) => partition % 2 === 0
    return new Rig(fake, nodes, engine, [await engine.beside(), await engine.beside()], folder)
  }

  async close(): Promise<void> {
    this.#transport.close()
    this.engine.close()
    for (const node of this.#nodes) await node.stop()
    await this.fake.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** What the next run's clock shows, about. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** A path that no file of this rig has had. */
  newPath(): string {
    return join(this.folder, `${++this.#files}.duckdb`)
  }

  remove(path: string): void {
    rmSync(path, { force: true })
    rmSync(`${path}.wal`, { force: true })
    rmSync(companionFolder(path), { recursive: true, force: true })
  }

  /** The file without any disturbance, for looking at it. */
  file(path: string): DatabaseFile {
    return databaseFile(this.engine, { path, lockWaitMs: 0, clock: this.#clock({}) })
  }

  #clock(disturbance: Disturbance): Clock {
    let sleeps = 0
    return {
      nowMs: () => this.#nowMs,
      sleep: async (ms, signal) => {
        signal?.throwIfAborted()
        this.#nowMs += Math.max(1, ms)
        disturbance.onSleep?.(++sleeps)
        signal?.throwIfAborted()
      },
    }
  }

  /** A new Druid, empty. @param direct its data nodes can be asked, and are */
  reset(direct = false): void {
    this.fake.reset()
    if (direct) this.fake.dataNodes = this.#nodes
  }

  /** Ports for one run. */
  ports(
    path: string,
    datasources: readonly string[],
    disturbance: Disturbance,
    signal: AbortSignal,
  ): OpenPorts {
    this.#nowMs += 60_000
    const clock = this.#clock(disturbance)
    const { engine, loader, looker, died, touched } = this.#mortal(path, disturbance)
    // Every second file is written by turns in a copy and in place; the others, without a folder for it, in place alone.
    const isTwinned = this.#files % 2 === 0
    if (isTwinned) mkdirSync(companionFolder(path), { recursive: true })
    let writes = 0
    const copies = () => isTwinned && writes++ % 2 === 0
    const inner = databaseFile(engine, { path, lockWaitMs: 0, clock, copies })
    const file: DatabaseFile = {
      path,
      exists: () => inner.exists(),
      read: (work, abort) => inner.read(work, abort),
      async write(work, abort, bringing) {
        const result = await inner.write(
          async () => {
            touched()
            const done = await work()
            if (touched()) await disturbance.beforeCommit?.()
            return done
          },
          abort,
          bringing,
        )
        await disturbance.afterCommit?.()
        return result
      },
    }
    // A folder for each run, as the program makes: a run that is broken off leaves files behind.
    const spoolDir = join(this.folder, "spool", `${++this.#spools}`)
    mkdirSync(spoolDir)
    let ids = 0
    const client = createClient({
      baseUrl: this.fake.url,
      transport: this.#transport,
      gzip: false,
      queryTimeoutMs: 60_000,
      priority: -1,
      userAgent: "druidsync/model",
      newId: () => `model-${this.#files}-${++ids}`,
      nowMs: clock.nowMs,
      retries: {
        clock,
        onRetry: ({ message }, waitMs, attempt) =>
          disturbance.onEvent?.({ type: "retry", message, waitMs, attempt }),
      },
    })
    const isDirect = this.fake.dataNodes.length > 0
    return {
      client,
      catalog: createCatalog(
        client,
        datasources,
        segmentsDesk(looker, async () => spoolDir),
      ),
      direct: isDirect
        ? new PastBroker(new DirectReader(client, "http", () => undefined, clock.nowMs))
        : undefined,
      engine,
      loader,
      file,
      spoolDir,
      clock,
      emit: (event) => disturbance.onEvent?.(event),
      signal,
      get survivor() {
        return died()
      },
    }
  }

  /**
   * An engine that can die before any statement: what the disk holds then is copied away, and nothing works after it. Its
   * connections take turns, so that no statement of one is under way while the other dies.
   */
  #mortal(path: string, disturbance: Disturbance) {
    let tail: Promise<unknown> = Promise.resolve()
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const next = tail.then(work)
      tail = next.catch(() => undefined)
      return next
    }
    let survivor: string | undefined
    let statements = 0
    let touched = false
    const guard = (sql: string) => {
      touched ||= /^(INSERT INTO|DELETE FROM) file\._sync_chunks/.test(sql)
      if (survivor === undefined && disturbance.onStatement?.(++statements, sql) === true) {
        survivor = this.newPath()
        for (const suffix of ["", ".wal"])
          if (existsSync(path + suffix)) copyFileSync(path + suffix, survivor + suffix)
      }
      if (survivor !== undefined) throw new Died(`the process died before ${sql}`)
    }
    const guarded =
      <T>(method: (sql: string, values?: Parameters<Engine["run"]>[1]) => Promise<T>) =>
      (sql: string, values?: Parameters<Engine["run"]>[1]) =>
        inTurn(async () => {
          guard(sql)
          return method(sql, values)
        })
    const mortal = (engine: Engine): Engine => ({
      ...engine,
      run: guarded(engine.run),
      change: guarded(engine.change),
      rows: guarded(engine.rows),
      close: () => undefined,
    })
    return {
      engine: mortal(this.engine),
      loader: mortal(this.#loader),
      looker: mortal(this.#looker),
      died: () => survivor,
      /** checkpoints were written since this was last asked */
      touched: () => {
        const was = touched
        touched = false
        return was
      },
    }
  }

  /** After a failure anything may still be under way: what is left of it is left to itself. */
  async renew(): Promise<void> {
    this.fake.reset()
    this.engine = await openEngine(ENGINE)
    this.#loader = await this.engine.beside()
    this.#looker = await this.engine.beside()
  }

  async stagingTables(): Promise<string[]> {
    const rows = await this.engine.rows(
      "SELECT table_name FROM duckdb_tables() WHERE database_name = 'memory'",
    )
    return rows.map(([name]) => String(name))
  }

  /** Brings the engine back to where a new process starts: nothing open, nothing staged. */
  async bury(): Promise<void> {
    await this.engine.run("ROLLBACK").catch(() => undefined)
    for (const name of ["file", "original", "fresh"])
      await this.engine.run(`DETACH ${name}`).catch(() => undefined)
    for (const table of await this.stagingTables()) await this.engine.run(`DROP TABLE "${table}"`)
    const spool = join(this.folder, "spool")
    rmSync(spool, { recursive: true, force: true })
    mkdirSync(spool)
  }
}
