/**
 * What an export writes down about the files of one share of one table: enough to know what has to be written again,
 * and to check the files later. A file without a line here is not the lake's. Pure.
 */
import { createHash } from "node:crypto"
import type { HeldColumn } from "../store/notes/holdings.ts"
import type { LakeFormat, LakePartitioning } from "./layout.ts"

/** How sure the rows of a partition are. */
export type PartitionState =
  /** proven against Druid */
  | "complete"
  /** holds realtime rows, which may still change */
  | "provisional"
  /** holds rows that are not proven, or that are being replaced */
  | "incomplete"

export interface ManifestPartition {
  /** from the table's folder, with `/` */
  readonly path: string
  /** as Druid writes intervals */
  readonly interval: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
  /** of the checkpoints that the rows stand under */
  readonly fingerprint: string
  /** of the columns that the file has */
  readonly schema: string
  readonly state: PartitionState
  /** why it is not complete */
  readonly reason?: string
}

export interface Manifest {
  readonly format: 1
  /** version of the program */
  readonly druidsync: string
  readonly datasource: string
  readonly table: string
  readonly share: string
  /** the newest runs of the DuckDB file that the rows came from: they name the file wherever it lies */
  readonly runs: readonly string[]
  readonly partitionBy: LakePartitioning
  readonly keys: readonly string[]
  readonly fileFormat: LakeFormat
  readonly columns: readonly HeldColumn[]
  /** false while an export is under way, or after one that was stopped */
  readonly isFinished: boolean
  /** ISO */
  readonly exportedAt: string
  readonly state: PartitionState
  readonly rows: number
  readonly bytes: number
  /** by path */
  readonly partitions: readonly ManifestPartition[]
}

/** Readable, a partition to a line. */
export function manifestText(manifest: Manifest): string {
  const { partitions, ...head } = manifest
  const lines = partitions.map((one) => `    ${JSON.stringify(one)}`)
  const start = JSON.stringify(head, null, 2).slice(0, -2)
  return `${start},\n  "partitions": [${lines.length === 0 ? "" : `\n${lines.join(",\n")}\n  `}]\n}\n`
}

/** @returns undefined if the text is not a manifest, or one of a format that we do not know */
export function parseManifest(text: string): Manifest | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const one = value as Manifest
  const isText = (given: unknown) => typeof given === "string"
  const isWhole =
    typeof one === "object" &&
    one !== null &&
    one.format === 1 &&
    [one.datasource, one.table, one.share, one.partitionBy, one.fileFormat].every(isText) &&
    Array.isArray(one.runs) &&
    Array.isArray(one.keys) &&
    one.keys.every(isText) &&
    Array.isArray(one.columns) &&
    one.columns.every((column) => isText(column?.name) && isText(column?.type)) &&
    Array.isArray(one.partitions) &&
    one.partitions.every(
      (part) =>
        isText(part?.path) &&
        // Nothing of it may lead out of the table's folder.
        !part.path.split("/").some((step: string) => step === "" || step === "." || step === "..") &&
        typeof part.rows === "number" &&
        typeof part.bytes === "number" &&
        [part.sha256, part.fingerprint, part.schema, part.interval].every(isText),
    )
  return isWhole ? one : undefined
}

/** Names the columns with their types, in their order. */
export function schemaDigest(columns: readonly HeldColumn[]): string {
  return digest(JSON.stringify(columns.map(({ name, type }) => [name, type])))
}

/** What makes the columns of now others than those of before, in words; undefined if they are the same. */
export function schemaChange(before: readonly HeldColumn[], now: readonly HeldColumn[]): string | undefined {
  if (schemaDigest(before) === schemaDigest(now)) return undefined
  const old = new Map(before.map((column) => [column.name, column.type]))
  const names = new Set(now.map(({ name }) => name))
  const words = [
    ...now.filter(({ name }) => !old.has(name)).map(({ name }) => `column "${name}" is new`),
    ...now
      .filter(({ name, type }) => old.has(name) && old.get(name) !== type)
      .map(({ name, type }) => `column "${name}" was ${old.get(name)} and is ${type}`),
    ...before.filter(({ name }) => !names.has(name)).map(({ name }) => `column "${name}" is gone`),
  ]
  return words.length === 0 ? "the columns have another order" : words.join(", ")
}

export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex")
}
