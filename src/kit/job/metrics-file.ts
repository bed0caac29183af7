/** Puts a run's metrics in their file: written aside and renamed, so that no collector ever reads a half. */
import { readFile, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { beginsWith, writeAside } from "../../base/aside.ts"
import { DruidsyncError, usage } from "../../base/errors.ts"
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
    usage(
      `metrics cannot be written to ${path}: ${why}`,
      "give --metrics a path like /var/lib/node_exporter/textfile/druidsync.prom",
    )
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) {
    const folder = await stat(dirname(path)).catch(() => undefined)
    if (!folder?.isDirectory()) throw refuse("there is no such folder")
    return
  }
  if (!found.isFile()) throw refuse("that is not a file")
  if (found.size === 0) return
  const isOurs = await beginsWith(path, METRICS_START).catch((error) => {
    throw refuse(whyOf(error, "file"))
  })
  if (!isOurs) throw refuse("that file exists and holds something else")
}

/** @throws DruidsyncError `file` (or as `checkMetricsPath`); what was there before stays then */
export async function writeMetrics(path: string, run: RunFigures): Promise<void> {
  await checkMetricsPath(path)
  try {
    const before = await readFile(path, "utf8").catch((error) => {
      if (error.code === "ENOENT") return ""
      throw error
    })
    // Not ending in .prom, it is passed over by the collector.
    const options = { aside: `${path}.${process.pid}.tmp`, mode: MODE, durable: true }
    await writeAside(path, options, (write) => write(metricsText(run, parseSamples(before))))
  } catch (error) {
    throw new DruidsyncError("file", `metrics could not be written to ${path}: ${whyOf(error, "place")}`, {
      hint: refusalOf(error, "place", "--metrics")?.hint ?? "check --metrics",
      cause: error,
    })
  }
}
