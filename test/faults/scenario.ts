/**
 * The scene of the fault matrix: a datasource that was pulled once and has changed since in every way that makes a pull
 * ask something, so that one pull passes every place of the protocol.
 */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { loadConfig } from "../../src/config/load.ts"
import type { Settings } from "../../src/config/settings.ts"
import { Looker } from "../support/conformance/duckdb.ts"
import { difference, Multiset } from "../support/conformance/rows.ts"
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy/index.ts"
import type { Place } from "./places.ts"
import { type Outcome, type PullOptions, runPull } from "./run.ts"
import { ROWS, type Shape } from "./shape.ts"
import { fakeTheatre, type Theatre, type Timed, timed } from "./theatre.ts"

/** The table; its datasource is called as the theatre likes. */
const TABLE = "copied"

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

export class Scenario {
  readonly #theatre: Theatre
  readonly proxy: FaultProxy
  /** before the data node */
  readonly #nodeProxy: FaultProxy | undefined
  readonly folder: string
  readonly out: string
  readonly #settings: Settings
  readonly #shape: Shape
  readonly #looker: Looker
  #before: readonly Timed[] = []
  #after: readonly Timed[] = []

  private constructor(
    theatre: Theatre,
    proxy: FaultProxy,
    nodeProxy: FaultProxy | undefined,
    folder: string,
    settings: Settings,
    shape: Shape,
    looker: Looker,
  ) {
    this.#theatre = theatre
    this.proxy = proxy
    this.#nodeProxy = nodeProxy
    this.folder = folder
    this.out = join(folder, "copy.duckdb")
    this.#settings = settings
    this.#shape = shape
    this.#looker = looker
  }

  /** Pulls once, then lets Druid change. @param shape of the table */
  static async open(given?: Theatre, shape: Shape = ROWS): Promise<Scenario> {
    const theatre = given ?? (await fakeTheatre())
    await theatre.build()
    const proxy = await startFaultProxy(theatre.url)
    const { dataNode } = theatre
    const nodeProxy = dataNode === undefined ? undefined : await startFaultProxy(dataNode.url)
    if (nodeProxy !== undefined) dataNode?.showAs(`127.0.0.1:${nodeProxy.port}`)
    const folder = mkdtempSync(join(root, "druidsync-faults-"))
    const path = join(folder, "config.json")
    const datasources = [{ name: theatre.datasource, table: TABLE, ...shape.entry }]
    const config = { host: "127.0.0.1", port: proxy.port, protocol: "http", datasources }
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 })
    const loaded = await loadConfig(path, { env: {}, overrides: {} })
    const settings = { ...loaded, pull: { ...loaded.pull, sliceRows: 20, concurrency: 1 } }
    const scenario = new Scenario(theatre, proxy, nodeProxy, folder, settings, shape, await Looker.open())
    await scenario.#start()
    return scenario
  }

  async #start(): Promise<void> {
    this.#before = this.#shape.of(await this.#theatre.truth())
    const first = await this.pull()
    if (first.exitCode !== 0) throw new Error(`the first pull failed: ${first.message}`)
    copyFileSync(this.out, this.#base)
    // Past the broker, too, there are answers that will be old by then.
    if (this.#nodeProxy !== undefined) await this.pull({ direct: true }, join(this.folder, "direct.duckdb"))
    await this.#theatre.change()
    this.#after = this.#shape.of(await this.#theatre.truth())
    // Once without a fault: the proxy learns the answer to each question.
    const rehearsal = await this.pull()
    if (rehearsal.exitCode !== 0) throw new Error(`the rehearsal failed: ${rehearsal.message}`)
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
    return runPull(this.#settings, out, [this.#theatre.datasource], options)
  }

  /** The proxy that a place's requests go through. */
  proxyOf({ kind }: Pick<Place, "kind">): FaultProxy {
    if (kind !== "segmentScan") return this.proxy
    if (this.#nodeProxy === undefined) throw new Error("this theatre has no data node that can be asked")
    return this.#nodeProxy
  }

  async close(): Promise<void> {
    this.#looker.close()
    await this.proxy.stop()
    await this.#nodeProxy?.stop()
    await this.#theatre.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** What a run left beside the file; nothing may be. */
  leftovers(out = this.out): string[] {
    const name = basename(out)
    return readdirSync(dirname(out)).filter((other) => other.startsWith(name) && other !== name)
  }

  /** Looks into the file, once for both questions. */
  async look(out = this.out): Promise<Look> {
    const content = this.#looker.query(
      out,
      `SELECT (SELECT list(struct_pack(ms := epoch_ms(__time), page := page, tags := tags, n := ${this.#shape.value})) FROM ${TABLE}) AS held,
         (SELECT list(struct_pack(start_ms := start_ms, end_ms := end_ms, rows := rows)) FROM _sync_chunks) AS parts`,
    )
    const found = await content.catch((error: unknown) => {
      if (/Catalog Error: Table with name/.test(String(error))) return undefined
      throw error
    })
    if (found === undefined) return { equal: "there is no table", proven: undefined }
    const [file] = found
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
}

function texts(rows: readonly Timed[]): Multiset {
  return Multiset.of(rows.map((row) => row.text))
}
