/** A small use of a made program: its version, a pull from the fake Druid, a question to the file. All rows are compared. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { fakeWorld } from "../../test/support/conformance/fake-world.ts"
import { COLUMNS, daysOf } from "../../test/support/conformance/rows-of.ts"
import { startFakeDruid } from "../../test/support/fake-druid/fake-druid.ts"

export interface TrialOptions {
  /** what `--version` has to name */
  version: string
  /** where it is run; a new, empty folder if not given */
  cwd?: string | undefined
  env?: Record<string, string> | undefined
}

/** Seconds that each step took. */
export type TrialTimes = Record<"version" | "pull" | "query", number>

const SQL =
  "SELECT epoch_ms(__time)::VARCHAR AS t, page, added::VARCHAR AS added, ratio FROM trial ORDER BY __time"
const rows = daysOf(["2024-01-01", "2024-01-02", "2024-01-03"], 500)
const expected = rows
  .toSorted((a, b) => (a.__time < b.__time ? -1 : 1))
  .map(({ __time, page, added, ratio }) => ({
    t: String(Date.parse(__time)),
    page,
    added: added === null ? null : String(added),
    ratio,
  }))

/** `command` is the program with what comes before its arguments. @throws Error that says which step went wrong */
export async function trial(command: readonly string[], options: TrialOptions): Promise<TrialTimes> {
  const folder = mkdtempSync(join(tmpdir(), "druidsync-trial-"))
  const fake = await startFakeDruid()
  try {
    const world = fakeWorld(fake)
    await world.create("trial", rows, { columns: COLUMNS })
    const config = join(folder, "config.json")
    const out = join(folder, "trial.duckdb")
    writeFileSync(config, JSON.stringify({ ...world.address, datasources: "trial" }))
    const times: TrialTimes = { version: 0, pull: 0, query: 0 }
    const run = async (step: keyof TrialTimes, ...args: string[]) => {
      const started = performance.now()
      const answer = await output([...command, ...args], options.cwd ?? folder, {
        // The library is unpacked here, and goes with the folder.
        DRUIDSYNC_CACHE_DIR: join(folder, "cache"),
        ...options.env,
      })
      times[step] = (performance.now() - started) / 1000
      return answer
    }
    const version = (await run("version", "--version")).trim()
    if (version !== `druidsync ${options.version}`)
      throw new Error(`--version printed "${version}", not "druidsync ${options.version}"`)
    const report = JSON.parse(await run("pull", "pull", "--config", config, "--out", out, "--json"))
    if (report.outcome !== "complete" || report.rowsFetched !== rows.length)
      throw new Error(`pull ended ${report.outcome} with ${report.rowsFetched} rows of ${rows.length}`)
    const found: unknown = JSON.parse(await run("query", "query", "--out", out, "--format", "json", SQL))
    if (!isDeepStrictEqual(found, expected)) throw new Error("query gave other rows than the fake Druid has")
    return times
  } finally {
    await fake.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What a program prints. Not `spawnSync`: the fake Druid answers from this process. @throws Error if it does not end with 0 */
export function output(
  [program, ...args]: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(program!, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on("data", (piece: Buffer) => out.push(piece))
    child.stderr.on("data", (piece: Buffer) => err.push(piece))
    child.once("error", failed)
    child.once("close", (code, signal) => {
      if (code === 0) return done(Buffer.concat(out).toString())
      const said = Buffer.concat(err).toString().trim().slice(-2000)
      failed(new Error(`${[program, ...args].join(" ")} ended with ${code ?? signal}:\n${said}`))
    })
  })
}

/** For a line of output: `--version 0.1 s, pull 0.8 s, query 0.3 s`. */
export function timesText(times: TrialTimes): string {
  const text = (seconds: number) => `${seconds.toFixed(2)} s`
  return `--version ${text(times.version)}, pull ${text(times.pull)}, query ${text(times.query)}`
}
