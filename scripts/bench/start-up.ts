/** How long it takes until anything happens: the executable's starts, and a pull that has nothing to do. */
import { mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { columnsSql, segmentsSql } from "../../src/druid/metadata-sql.ts"
import { type Measured, measureOk, median } from "./measure.ts"
import type { StartUp } from "./results.ts"

const TIMES = 7

/**
 * @param held a file that an earlier pull filled
 * @param scratch a folder for caches that are empty at first
 */
export async function startUp(
  druidsync: readonly string[],
  held: string,
  scratch: string,
): Promise<StartUp[]> {
  const version = await several(() => measureOk([...druidsync, "--version"]))
  const status = [...druidsync, "status", "--out", held]
  const first: Measured[] = []
  const later: Measured[] = []
  for (let n = 0; n < 3; n++) {
    // The native library is unpacked into a cache at the first start that needs it.
    const cache = mkdtempSync(join(scratch, "cache-"))
    const env = { ...process.env, DRUIDSYNC_CACHE_DIR: cache }
    first.push(await measureOk(status, { env }))
    later.push(await measureOk(status, { env }), await measureOk(status, { env }))
    rmSync(cache, { recursive: true })
  }
  return [
    typically("`--version`", version),
    typically("`status`, first start of a version (unpacks the native library)", first),
    typically("`status`, later starts", later),
  ]
}

/** What Druid alone takes to answer the two requests of a pull that finds nothing new, ms. */
export async function druidsOwnTime(url: string, datasources: readonly string[]): Promise<number> {
  const texts = [
    columnsSql(datasources),
    segmentsSql(datasources, new Set(["is_active", "replication_factor"])),
  ]
  const times: number[] = []
  for (let n = 0; n < TIMES; n++) {
    const start = performance.now()
    for (const query of texts) {
      const response = await fetch(`${url}/druid/v2/sql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query, resultFormat: "arrayLines" }),
      })
      await response.text()
    }
    times.push(performance.now() - start)
  }
  return median(times)
}

async function several(run: () => Promise<Measured>): Promise<Measured[]> {
  const all: Measured[] = []
  for (let n = 0; n < TIMES; n++) all.push(await run())
  return all
}

function typically(label: string, all: readonly Measured[]): StartUp {
  return { label, wallMs: median(all.map((one) => one.wallMs)), cpuMs: median(all.map((one) => one.cpuMs)) }
}
