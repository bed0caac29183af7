/** The part of `check` that concerns this machine: the DuckDB file, who has it open, and the room on its disks. */
import { constants } from "node:fs"
import { access, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import { withFile } from "../../store/file/reading.ts"
import { runHolder } from "../../store/file/run-holder.ts"
import { readState } from "../../store/notes/state.ts"
import { type CheckOptions, failedCheck, okCheck, warningCheck } from "./check-line.ts"
import { freeBytes } from "./disk.ts"

/** Tells whether a pull could open, or make, the file. Waits for no lock. */
export async function checkFile({ clock, signal, onCheck }: CheckOptions, path: string): Promise<void> {
  try {
    const found = await stat(path).catch(() => undefined)
    if (found === undefined) {
      await mayWrite(dirname(path), `the folder ${dirname(path)}`)
      onCheck(okCheck("file", `${path} is not there yet: the first pull makes it`))
      return
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
    const count = state.datasources.size
    const what = `${path} can be opened and has ${count} ${count === 1 ? "datasource" : "datasources"}`
    onCheck(
      runner === undefined
        ? okCheck("file", what)
        : warningCheck("file", `${what}; ${runner} pulls into it now`, "a second pull would wait for it"),
    )
  } catch (error) {
    signal.throwIfAborted()
    onCheck(failedCheck("file", error))
  }
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

/** @param expectedBytes what all configured datasources take in Druid; undefined where it is not known */
export async function checkDisks(
  { settings, onCheck }: CheckOptions,
  out: string,
  expectedBytes: number | undefined,
): Promise<void> {
  const held = await stat(out).then(
    (found) => found.size,
    () => 0,
  )
  const { spoolDir, spoolLimitBytes } = settings.pull
  const missing = Math.max(0, (expectedBytes ?? 0) - held)
  const near = spoolDir === undefined
  await disk(
    dirname(out),
    missing + (near ? spoolLimitBytes : 0),
    near ? "the file and the spool" : "the file",
  )
  if (spoolDir !== undefined) await disk(spoolDir, spoolLimitBytes, "the spool")

  async function disk(folder: string, needed: number, what: string): Promise<void> {
    const free = await freeBytes(folder)
    if (free === undefined) return
    const room = `${inGigabytes(free)} free in ${folder}`
    const need = `${what} may need about ${inGigabytes(needed)}`
    onCheck(
      free < needed
        ? warningCheck(
            "disk",
            `${room}, ${need}`,
            "free space, or copy less: columns, since, spoolLimit",
            folder,
          )
        : okCheck("disk", `${room}; ${need}`, folder),
    )
  }
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`
}
