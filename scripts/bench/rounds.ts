/** Ways in turns, each measured from start to end: what the client took, and what Druid took meanwhile. */
import { readFileSync } from "node:fs"
import { findProcesses } from "../druid/processes.ts"
import type { Way } from "./contenders.ts"
import { DATASOURCE } from "./druid.ts"
import { bytesOf, rowsHeld } from "./files.ts"
import type { Measured } from "./measure.ts"
import type { Contender, Run } from "./results.ts"
import { clientLine } from "./table.ts"

export interface Rounds {
  /** of a way that is quick, and of one that is slow */
  readonly rounds: number
  readonly slowRounds: number
  /** of the Druid that is asked */
  readonly dataDir: string
  readonly say: (text: string) => void
}

/** All ways, taking turns. @param rows that each is to bring where it does not say so itself */
export async function rounded(
  list: readonly Way[],
  rows: number,
  { rounds, slowRounds, dataDir, say }: Rounds,
): Promise<Contender[]> {
  const runs = new Map<string, Run[]>(list.map((way) => [way.key, []]))
  for (let n = 0; n < Math.max(rounds, slowRounds); n++) {
    for (const way of list) {
      if (n >= (way.isSlow ? slowRounds : rounds)) continue
      say(`round ${n + 1}: ${way.label}`)
      try {
        await way.prepare?.()
        runs.get(way.key)!.push(await runOf(way.run, way.rows ?? rows, way.out, dataDir))
      } catch (error) {
        // One way that fails (a package that changed, say) is no reason to lose the others.
        say(`${way.key} failed: ${String(error).slice(-2000)}`)
        continue
      }
      console.log(`   ${clientLine({ ...way, runs: runs.get(way.key)!.slice(-1) })}`)
    }
  }
  return list
    .map(({ key, label, group }) => ({ key, label, group, runs: runs.get(key)! }))
    .filter((one) => one.runs.length > 0)
}

/** @param rows that it is to bring */
export async function runOf(
  run: () => Promise<Measured>,
  rows: number,
  out: string | undefined,
  dataDir: string,
): Promise<Run> {
  const before = await druidCpuMs(dataDir)
  const { wallMs, cpuMs, peakBytes } = await run()
  return {
    wallMs,
    cpuMs,
    druidMs: (await druidCpuMs(dataDir)) - before,
    peakBytes,
    rows,
    rowsHeld: out === undefined ? undefined : await rowsHeld(out, DATASOURCE),
    fileBytes: out === undefined ? undefined : bytesOf(out),
  }
}

/** Milliseconds of one tick of `/proc`: 100 a second on every Linux that Druid runs on. */
const TICK_MS = 10

/** User and system time of all processes of this Druid so far, ms. What it does at rest is in it. */
export async function druidCpuMs(dataDir: string): Promise<number> {
  return (await findProcesses(dataDir)).reduce((sum, { pid }) => {
    // The name of the program stands in parentheses and may hold blanks.
    const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")
    const [user, system] = fields.split(" ").slice(11, 13)
    return sum + (Number(user) + Number(system)) * TICK_MS
  }, 0)
}
