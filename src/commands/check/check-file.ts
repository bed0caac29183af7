/** The part of `check` that concerns this machine: the DuckDB file, who has it open, and the room on its disks. */
import { constants } from "node:fs"
import { access, stat, statfs } from "node:fs/promises"
import { dirname } from "node:path"
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import { counted } from "../../kit/text/words.ts"
import { withFile } from "../../store/file/reading.ts"
import { runHolder } from "../../store/file/run-holder.ts"
import { readState } from "../../store/notes/state.ts"
import { attempt, type CheckOptions, ok, warning } from "./check-line.ts"

/** Tells whether a pull could open, or make, the file. Waits for no lock. */
export function checkFile(options: CheckOptions, path: string): Promise<boolean> {
  const { clock, signal } = options
  return attempt(options, "file", async () => {
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) {
      await mayWrite(dirname(path), `the folder ${dirname(path)}`)
      return ok(`${path} does not exist yet: the first pull makes it`)
    }
    if (!found.isFile()) {
      throw new DruidsyncError("file", `${path} is not a file`, {
        exitCode: ExitCode.usage,
        hint: "check --out",
      })
    }
    await mayWrite(path, path)
    const { runner, state } = await withFile(
      { path, lockWaitMs: 0, clock, onlyLooks: false },
      async (engine, file) => ({
        runner: await runHolder(engine, path),
        state: await readState(engine, file, signal),
      }),
    )
    const count = new Set([...state.held.values()].map(({ datasource }) => datasource)).size
    const what = `${path} can be opened and has ${counted(count, "datasource")}`
    return runner === undefined
      ? ok(what)
      : warning(`${what}; ${runner} pulls into it now`, "a second pull would wait for it")
  })
}

async function mayWrite(path: string, what: string): Promise<void> {
  await access(path, constants.W_OK).catch((cause: { code?: string }) => {
    const why = cause.code === "ENOENT" ? "is not there" : "may not be written by this user"
    throw new DruidsyncError("file", `${what} ${why}`, {
      cause,
      hint: cause.code === "ENOENT" ? "make it, or check --out" : "check its permissions",
    })
  })
}

/** @param expectedBytes what all configured datasources take in Druid; undefined if it is not known */
export async function checkDisks(
  options: CheckOptions,
  out: string,
  expectedBytes: number | undefined,
): Promise<void> {
  const held = await stat(out).then(
    (found) => found.size,
    () => 0,
  )
  const { spoolDir, spoolLimitBytes } = options.settings.pull
  const missing = Math.max(0, (expectedBytes ?? 0) - held)
  if (spoolDir === undefined)
    await checkDisk(options, dirname(out), missing + spoolLimitBytes, "the file and the spool")
  else {
    await checkDisk(options, dirname(out), missing, "the file")
    await checkDisk(options, spoolDir, spoolLimitBytes, "the spool")
  }
}

function checkDisk(options: CheckOptions, folder: string, needed: number, what: string): Promise<boolean> {
  const look = async () => {
    const free = await freeBytes(folder)
    if (free === undefined) return []
    const room = `${inGigabytes(free)} free in ${folder}`
    const need = `${what} may need about ${inGigabytes(needed)}`
    return free < needed
      ? warning(`${room}, ${need}`, "free space, or copy less: columns, since, spoolLimit")
      : ok(`${room}; ${need}`)
  }
  return attempt(options, "disk", look, folder)
}

/** Free bytes for this user where `path` is, or will be; undefined if the system does not tell. */
async function freeBytes(path: string): Promise<number | undefined> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    } catch {
      // Not there yet: its parent is on the same disk. At the root there is nothing more to ask.
      if (dirname(folder) === folder) return undefined
    }
  }
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}
