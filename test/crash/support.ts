/** What the crash tests share: a Druid whose scans take their time, and the program as a child process. */

import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { query } from "../support/conformance/duckdb.ts"
import type { FakeDruid } from "../support/fake-druid/fake-druid.ts"

const DAY = 86_400_000n
const START = BigInt(Date.UTC(2024, 0, 1))

/** Rows made on demand, `perDay` on each of `days` days: any number of them needs no memory. */
export function fill({ world }: FakeDruid, datasource: string, days: number, perDay: number, seed = 0): void {
  world.define(datasource, { page: "STRING", n: "LONG" })
  for (let day = 0; day < days; day++) {
    const start = START + BigInt(day) * DAY
    world.virtual(datasource, {
      interval: { start, end: start + DAY },
      count: perDay,
      columns: { page: "STRING", n: "LONG" },
      time: (i) => start + (BigInt(i) * DAY) / BigInt(perDay),
      row: (i) => [
        start + (BigInt(i) * DAY) / BigInt(perDay),
        `page ${(i * 7) % 1009}`,
        BigInt(day * perDay + i + seed),
      ],
    })
  }
}

/** Rows, distinct rows and their sum: enough to tell a copy of `fill` from anything else. */
export async function fingerprint(path: string, table: string): Promise<string> {
  const [row] = await query(
    path,
    `SELECT count(*) AS rows, count(DISTINCT n) AS different, sum(n)::VARCHAR AS sum FROM "${table}"`,
  )
  return `${row!.rows} ${row!.different} ${row!.sum}`
}

export function filled(days: number, perDay: number, seed = 0): string {
  const rows = days * perDay
  return `${rows} ${rows} ${(BigInt(rows) * BigInt(rows - 1)) / 2n + BigInt(rows) * BigInt(seed)}`
}

/** A folder with a config; removed by `close`. */
export class Desk {
  readonly folder = mkdtempSync(join(tmpdir(), "druidsync-crash-"))
  readonly configPath = join(this.folder, "config.json")
  readonly #mounts: string[] = []

  config(port: number, datasources: readonly string[], more: Readonly<Record<string, unknown>> = {}): void {
    const config = { host: "127.0.0.1", port, protocol: "http", datasources, ...more }
    writeFileSync(this.configPath, JSON.stringify(config), { mode: 0o600 })
  }

  path(...names: string[]): string {
    return join(this.folder, ...names)
  }

  args(out: string, ...more: string[]): string[] {
    return ["pull", "--config", this.configPath, "--out", out, "--json", "--settle-wait", "0", ...more]
  }

  /** Mounts a small file system in memory. @returns its folder, or undefined where this user may not mount */
  mount(name: string, size: string): string | undefined {
    const folder = this.path(name)
    mkdirSync(folder, { recursive: true })
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0700`, "tmpfs", folder])
    if (status !== 0) return undefined
    this.#mounts.push(folder)
    return folder
  }

  remount(folder: string, options: string): void {
    const { status, stderr } = spawnSync("mount", ["-o", `remount,${options}`, folder])
    if (status !== 0) throw new Error(`remount ${options}: ${stderr}`)
  }

  close(): void {
    for (const folder of this.#mounts) spawnSync("umount", ["-l", folder])
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Whether this user may mount a file system: said once, so that a skipped test has its reason. */
export function canMount(): boolean {
  const desk = new Desk()
  try {
    const can = desk.mount("probe", "1m") !== undefined
    if (!can) console.error("skipped: tests on full and read-only disks need the right to mount a tmpfs")
    return can
  } finally {
    desk.close()
  }
}
