/** Puts a run's metrics in their file: written aside and renamed, so that no collector ever reads a half. */
import { chmod, open, readFile, rename, rm, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { DruidsyncError, ExitCode } from "../../base/errors.ts"
import { refusalOf, whyOf } from "../../base/system.ts"
import { METRICS_START, metricsText, parseSamples, type RunFigures } from "./metrics.ts"

/** The collector runs as another user; nothing in the file is secret. */
const MODE = 0o644

/**
 * Looks whether metrics may be written there, before anything else is done.
 * @throws DruidsyncError `usage` (exit 2): a folder, nowhere, or a file that is not of metrics
 */
export async function checkMetricsPath(path: string): Promise<void> {
  const refuse = (why: string) =>
    new DruidsyncError("usage", `metrics cannot be written to ${path}: ${why}`, {
      exitCode: ExitCode.usage,
      hint: "give --metrics a path like /var/lib/node_exporter/textfile/druidsync.prom",
    })
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) {
    const folder = await stat(dirname(path)).catch(() => undefined)
    if (!folder?.isDirectory()) throw refuse("there is no such folder")
    return
  }
  if (!found.isFile()) throw refuse("that is no file")
  if (found.size === 0) return
  const head = await beginning(path).catch((error) => {
    throw refuse(whyOf(error, "file"))
  })
  if (!head.startsWith(METRICS_START)) throw refuse("that file is there already and holds something else")
}

/** @throws DruidsyncError `file` (or as `checkMetricsPath`); what was there before stays then */
export async function writeMetrics(path: string, run: RunFigures): Promise<void> {
  await checkMetricsPath(path)
  // Not ending in .prom, it is passed over by the collector.
  const aside = `${path}.${process.pid}.tmp`
  try {
    const before = await readFile(path, "utf8").catch((error) => {
      if ((error as { code?: string }).code === "ENOENT") return ""
      throw error
    })
    const handle = await open(aside, "w", MODE)
    try {
      await handle.writeFile(metricsText(run, parseSamples(before)))
      await handle.sync()
    } finally {
      await handle.close()
    }
    // What the umask took.
    await chmod(aside, MODE)
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined)
    throw new DruidsyncError("file", `metrics could not be written to ${path}: ${whyOf(error, "place")}`, {
      hint: refusalOf(error, "place", "--metrics")?.hint ?? "check --metrics",
      cause: error,
    })
  }
}

async function beginning(path: string): Promise<string> {
  const handle = await open(path, "r")
  try {
    const head = Buffer.alloc(METRICS_START.length)
    const { bytesRead } = await handle.read(head, 0, head.length, 0)
    return head.toString("latin1", 0, bytesRead)
  } finally {
    await handle.close()
  }
}
