/**
 * The scene of the fault matrix: a datasource that was pulled once and has changed since in every way that makes a pull
 * ask something, so that one pull passes every place of the protocol.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { loadConfig } from "../../src/config/load.ts"
import type { Settings } from "../../src/config/settings.ts"
import { query } from "../support/conformance/duckdb.ts"
import { difference, Multiset } from "../support/conformance/rows.ts"
import { type FakeDruid, type InputRow, startFakeDruid } from "../support/fake-druid/fake-druid.ts"
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy/index.ts"
import { type Outcome, type PullOptions, runPull } from "./run.ts"

/** Not plain ASCII: its characters can be cut in two. */
export const DATASOURCE = "wikipédia"
const DAY = 86_400_000n

/** A file system in memory where there is one: the matrix commits thousands of times. */
const root = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

/** What a look into the file found; undefined is good, everything else says what is wrong. */
export interface Look {
  /** against all that Druid holds now */
  readonly equal: string | undefined
  /**
   * whether every checkpoint's rows are what Druid held in that stretch, before the change or after it, and no row lies
   * outside of the checkpoints
   */
  readonly proven: string | undefined
}

type Held = { ms: bigint; page: unknown; tags: unknown; n: unknown }
type Checkpoint = { start_ms: bigint; end_ms: bigint; rows: bigint }

interface Timed {
  readonly ms: bigint
  readonly text: string
}

export class Scenario {
  readonly fake: FakeDruid
  readonly proxy: FaultProxy
  readonly folder: string
  readonly out: string
  readonly #settings: Settings
  #before: readonly Timed[] = []
  #after: readonly Timed[] = []

  private constructor(fake: FakeDruid, proxy: FaultProxy, folder: string, settings: Settings) {
    this.fake = fake
    this.proxy = proxy
    this.folder = folder
    this.out = join(folder, "copy.duckdb")
    this.#settings = settings
  }

  /** Pulls once, then lets Druid change. */
  static async open(fake?: FakeDruid): Promise<Scenario> {
    const druid = fake ?? (await startFakeDruid())
    if (fake === undefined) build(druid)
    const proxy = await startFaultProxy(druid.url)
    const folder = mkdtempSync(join(root, "druidsync-faults-"))
    const path = join(folder, "config.json")
    const config = { host: "127.0.0.1", port: proxy.port, protocol: "http", datasources: [DATASOURCE] }
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 })
    const loaded = await loadConfig(path, { env: {}, overrides: {} })
    const settings = { ...loaded, pull: { ...loaded.pull, sliceRows: 20, concurrency: 1 } }
    const scenario = new Scenario(druid, proxy, folder, settings)
    await scenario.#start()
    return scenario
  }

  async #start(): Promise<void> {
    this.#before = this.#truth()
    const first = await this.pull()
    if (first.exitCode !== 0) throw new Error(`the first pull failed: ${first.message}`)
    copyFileSync(this.out, this.#base)
    change(this.fake)
    this.#after = this.#truth()
  }

  get #base(): string {
    return join(this.folder, "base.duckdb")
  }

  get configPath(): string {
    return join(this.folder, "config.json")
  }

  /** The file as it was after the first pull. */
  reset(out = this.out): void {
    copyFileSync(this.#base, out)
  }

  pull(options: PullOptions = {}, out = this.out): Promise<Outcome> {
    return runPull(this.#settings, out, [DATASOURCE], options)
  }

  async close(): Promise<void> {
    await this.proxy.stop()
    await this.fake.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** What a run left beside the file; nothing may be. */
  leftovers(out = this.out): string[] {
    const name = basename(out)
    return readdirSync(dirname(out)).filter((other) => other.startsWith(name) && other !== name)
  }

  /** Looks into the file, once for both questions. */
  async look(out = this.out): Promise<Look> {
    const tables = await query(out, "SELECT table_name FROM duckdb_tables()")
    if (!tables.some((row) => row.table_name === DATASOURCE))
      return { equal: "there is no table", proven: undefined }
    const [file] = await query(
      out,
      `SELECT (SELECT list(struct_pack(ms := epoch_ms(__time), page := page, tags := tags, n := n)) FROM "${DATASOURCE}") AS held,
         (SELECT list(struct_pack(start_ms := start_ms, end_ms := end_ms, rows := rows)) FROM _sync_chunks) AS parts`,
    )
    const rows = (file!.held as Held[]).map((row) => timed(row.ms, row.page, row.tags, row.n))
    return {
      equal: difference(texts(rows), texts(this.#after)),
      proven: this.#unproven(rows, file!.parts as Checkpoint[]),
    }
  }

  #unproven(rows: readonly Timed[], parts: readonly Checkpoint[]): string | undefined {
    let covered = 0
    for (const { start_ms, end_ms, rows: count } of parts) {
      const inside = ({ ms }: Timed) => ms >= start_ms && ms < end_ms
      const held = texts(rows.filter(inside))
      covered += held.size
      const is = (truth: readonly Timed[]) => difference(held, texts(truth.filter(inside))) === undefined
      if (!is(this.#before) && !is(this.#after))
        return `${start_ms}/${end_ms} holds neither the old rows nor the new`
      if (BigInt(held.size) !== count)
        return `${start_ms}/${end_ms} holds ${held.size} rows, its checkpoint says ${count}`
    }
    return covered === rows.length ? undefined : `${rows.length - covered} rows outside of all checkpoints`
  }

  #truth(): Timed[] {
    const rows = this.fake.world.rows(DATASOURCE) as unknown as {
      __time: bigint
      [column: string]: unknown
    }[]
    return rows.map((row) => timed(row.__time, row.page, row.tags, row.n))
  }
}

function timed(ms: bigint, page: unknown, tags: unknown, n: unknown): Timed {
  const list = tags === null || Array.isArray(tags) ? tags : [tags]
  return { ms, text: JSON.stringify([String(ms), page, list, String(n)]) }
}

function texts(rows: readonly Timed[]): Multiset {
  return Multiset.of(rows.map((row) => row.text))
}

const START = BigInt(Date.UTC(2024, 0, 1))

function rows(day: number, count: number, seed: number): InputRow[] {
  return Array.from({ length: count }, (_, i): InputRow => {
    return {
      __time: START + BigInt(day) * DAY + (BigInt(i) * DAY) / BigInt(count),
      page: `Zürich ${(i * 7 + seed) % 5}`,
      tags: i % 3 === 0 ? ["ä", `t${seed}`] : i % 3 === 1 ? "b" : null,
      n: BigInt(i * 31 + seed),
    }
  })
}

const COLUMNS = { page: "STRING", tags: "STRING", n: "LONG" } as const

function build({ world }: FakeDruid): void {
  world.define(DATASOURCE, COLUMNS)
  for (const day of [0, 1, 2]) world.append(DATASOURCE, rows(day, 10, day), { granularity: "DAY" })
  world.settle(DATASOURCE)
}

/** One day unchanged, one with rows added, one replaced, one new and too big for one slice, one new, one streaming. */
function change({ world }: FakeDruid): void {
  world.append(DATASOURCE, rows(1, 3, 41), { granularity: "DAY" })
  world.overwrite(DATASOURCE, "2024-01-03/2024-01-04", rows(2, 12, 42), { granularity: "DAY" })
  world.append(DATASOURCE, rows(3, 60, 43), { granularity: "DAY" })
  world.append(DATASOURCE, rows(4, 5, 44), { granularity: "DAY" })
  world.settle(DATASOURCE)
  world.stream(DATASOURCE, rows(5, 6, 45), { granularity: "DAY" })
}
