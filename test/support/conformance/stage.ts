/** Where a scenario plays: a world, a way to run the program, a folder of its own, and the questions asked after it. */
import { expect } from "bun:test"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { tableName } from "../../../src/config/table-name.ts"
import type { PullReport } from "../../../src/pull/document.ts"
import { query, readTable } from "./duckdb.ts"
import { difference } from "./rows.ts"
import { type Result, type Runner, type Running, reportOf } from "./runner.ts"
import type { World } from "./world.ts"

/** A datasource of the config: its name, or an object with more. */
export type Datasource = string | { readonly name: string; readonly [key: string]: unknown }

export interface Pulled extends Result {
  readonly report: PullReport
  /** rows that were fetched */
  readonly rows: number
}

export class Stage {
  readonly world: World
  readonly runner: Runner
  readonly folder: string
  /** the DuckDB file */
  readonly out: string
  readonly configPath: string
  #datasources: readonly Datasource[] = []
  readonly #always: Readonly<Record<string, unknown>>
  #settings: Readonly<Record<string, unknown>> = {}

  /** @param always keys of every configuration, whatever the scenario sets */
  constructor(world: World, runner: Runner, always: Readonly<Record<string, unknown>> = {}) {
    this.#always = always
    this.world = world
    this.runner = runner
    this.folder = mkdtempSync(join(tmpdir(), "druidsync-stage-"))
    this.out = join(this.folder, "copy.duckdb")
    this.configPath = join(this.folder, "config.json")
  }

  /** Pulls go past the broker where they can. */
  get isDirect(): boolean {
    return this.#always.direct === true
  }

  /** Writes the config: these datasources, and keys beside the address. */
  config(datasources: readonly Datasource[], settings: Readonly<Record<string, unknown>> = {}): void {
    this.#datasources = datasources
    this.#settings = settings
    const config = { ...this.world.address, ...this.#always, datasources, ...settings }
    writeFileSync(this.configPath, JSON.stringify(config, null, 2))
  }

  /** Changes keys of the config, the datasources stay. */
  set(settings: Readonly<Record<string, unknown>>): void {
    this.config(this.#datasources, { ...this.#settings, ...settings })
  }

  args(...more: string[]): string[] {
    return ["pull", "--config", this.configPath, "--out", this.out, ...more]
  }

  /** Starts a pull; whoever calls this waits for it. */
  start(...more: string[]): Running {
    return this.runner.start(this.args(...more))
  }

  /** A pull with `--json`, whatever its exit code. */
  async pull(...more: string[]): Promise<Pulled> {
    const result = await this.runner.run(this.args("--json", ...more))
    const report = reportOf(result)
    expect(result.exitCode).toBe(report.exitCode)
    return { ...result, report, rows: report.rowsFetched }
  }

  /** A pull that must be complete, after which every datasource of the config equals its table. */
  async pullExactly(...more: string[]): Promise<Pulled> {
    const pulled = await this.pull(...more)
    if (pulled.exitCode !== 0) throw new Error(`exit ${pulled.exitCode}\n${pulled.stdout}\n${pulled.stderr}`)
    for (const datasource of this.#datasources) await this.expectEqual(datasource)
    return pulled
  }

  tableOf(datasource: Datasource): string {
    if (typeof datasource === "string") return tableName(datasource)
    return typeof datasource.table === "string" ? datasource.table : tableName(datasource.name)
  }

  /** Row by row, value by value, and column by column. */
  async expectEqual(datasource: Datasource): Promise<void> {
    const name = typeof datasource === "string" ? datasource : datasource.name
    const truth = await this.world.truth(name)
    const table = await readTable(this.out, this.tableOf(datasource))
    const wrong = difference(table.rows, truth.rows)
    if (wrong !== undefined) throw new Error(`${name}: ${wrong}`)
    expect(table.columns.map((column) => column.name).sort()).toEqual([...truth.columns].sort())
    await this.expectTruthfulState(name, this.tableOf(datasource))
  }

  /** `_sync_state` and `_sync_chunks` say what the table holds. @param of without it, the datasource has one table */
  async expectTruthfulState(datasource: string, of?: string): Promise<void> {
    const states = await query(
      this.out,
      `SELECT "table" AS name, rows, epoch_ms(cursor) AS cursor FROM _sync_state
       WHERE datasource = $1 ${of === undefined ? "" : `AND "table" = '${of.replaceAll("'", "''")}'`}`,
      [datasource],
    )
    expect(states).toHaveLength(1)
    const state = states[0]!
    const table = `"${String(state.name).replaceAll('"', '""')}"`
    const [held] = await query(
      this.out,
      `SELECT count(*) AS rows, epoch_ms(max(__time)) AS cursor FROM ${table}`,
    )
    expect({ rows: state.rows, cursor: state.cursor }).toEqual(held as { rows: bigint; cursor: bigint })
    // Checkpoints are disjoint, each counts its rows, and together they count all.
    const wrong = await query(
      this.out,
      `SELECT c."interval", c.rows, (SELECT count(*) FROM ${table} WHERE epoch_ms(__time) >= c.start_ms AND epoch_ms(__time) < c.end_ms) AS held
       FROM _sync_chunks c WHERE c."table" = $1 AND c.rows <> held`,
      [String(state.name)],
    )
    expect(wrong).toEqual([])
    const [sums] = await query(
      this.out,
      `SELECT coalesce(sum(a.rows), 0)::BIGINT AS rows,
         count(*) FILTER (WHERE EXISTS (FROM _sync_chunks b WHERE b."table" = a."table" AND b.rowid <> a.rowid
           AND b.start_ms < a.end_ms AND b.end_ms > a.start_ms)) AS overlapping
       FROM _sync_chunks a WHERE a."table" = $1 AND a.datasource = $2`,
      [String(state.name), datasource],
    )
    expect(sums as unknown).toEqual({ rows: state.rows as bigint, overlapping: 0n })
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
