/** The manifest of a share on the disk: written aside, then renamed, and only where it says something new. */

import { join } from "node:path"
import { sumOf } from "../base/lists.ts"
import { lakeError } from "./errors.ts"
import { manifestPath } from "./files.ts"
import { MANIFESTS, temporaryName } from "./layout.ts"
import { type Manifest, type ManifestPartition, manifestText } from "./manifest.ts"
import type { ExportOptions, OpenFile } from "./open.ts"
import type { Target } from "./target.ts"

/** Runs that a manifest names. */
const RUNS_KEPT = 20

/** What of a manifest changes while its table is exported. */
export interface ManifestContent extends Pick<Manifest, "isFinished" | "state" | "columns" | "runs"> {
  readonly lines: readonly ManifestPartition[]
}

export class ManifestFile {
  readonly #target: Target
  readonly #options: ExportOptions
  readonly #open: OpenFile
  /** the text on the disk; empty before the first manifest */
  #text: string
  #savedMs = 0

  constructor(target: Target, options: ExportOptions, open: OpenFile) {
    this.#target = target
    this.#options = options
    this.#open = open
    this.#text = target.manifest === undefined ? "" : manifestText(target.manifest)
  }

  /** When it was last looked whether there is something new to write. */
  get savedMs(): number {
    return this.#savedMs
  }

  /** @throws DruidsyncError `disk-full`, `file` */
  async save(content: ManifestContent): Promise<void> {
    const { disk, share } = this.#open
    const { clock, newId } = this.#options
    const { folder } = this.#target
    this.#savedMs = clock.nowMs()
    const text = manifestText(this.#manifest(content))
    if (timeless(text) === timeless(this.#text)) return
    const path = manifestPath(folder, share)
    const temporary = join(folder, MANIFESTS, temporaryName(share, newId()))
    try {
      await disk.write(temporary, text)
      await disk.rename(temporary, path)
    } catch (error) {
      await disk.remove(temporary).catch(() => undefined)
      throw lakeError(path, error)
    }
    this.#text = text
  }

  #manifest({ isFinished, state, lines, columns, runs }: ManifestContent): Manifest {
    const { table, partitionBy, fileFormat, keys } = this.#target
    const partitions = lines.toSorted((a, b) => (a.path < b.path ? -1 : 1))
    return {
      format: 1,
      druidsync: this.#options.version,
      datasource: table.datasource,
      table: table.table,
      share: this.#open.share,
      runs: runs.slice(0, RUNS_KEPT),
      partitionBy,
      keys,
      fileFormat,
      columns,
      isFinished,
      exportedAt: new Date(this.#savedMs).toISOString(),
      state,
      rows: sumOf(partitions, (line) => line.rows),
      bytes: sumOf(partitions, (line) => line.bytes),
      partitions,
    }
  }
}

/** Without what changes from one export to the next though nothing else does. */
function timeless(text: string): string {
  return text.replace(/^ {2}"(exportedAt|druidsync)": .*$/gm, "")
}
