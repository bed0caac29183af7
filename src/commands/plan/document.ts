/** What `plan --json` and `pull --dry-run --json` print. */
import * as v from "valibot"
import {
  type DocumentOf,
  exitCode,
  failure,
  format,
  key,
  ofTable,
  out,
  reasoned,
} from "../../base/document.ts"
import { plannedLookup, range } from "../../pull/document.ts"

const stretch = v.object({
  interval: v.string(),
  slice: key(v.number(), "number of the slice that it belongs to, from 1"),
  rows: key(v.nullable(v.number()), "as far as Druid tells; null if rows may still come"),
  segmentBytes: key(v.number(), "its share of the segments in deep storage, about"),
  reason: key(v.string(), "in words"),
  way: v.exactOptional(
    key(
      v.picklist(["data nodes", "broker"]),
      "with `direct`: who would be asked for it, as far as the broker can tell; only new segments where `kind` is `added` and data nodes are asked",
    ),
  ),
  kind: v.picklist([
    "new",
    "resume",
    "added",
    "replaced",
    "settings",
    "full",
    "realtime",
    "settled",
    "unproven",
  ]),
})

/** A stretch that a pull would fetch. */
export type PlannedStretch = DocumentOf<typeof stretch>

const datasource = v.object({
  ...ofTable,
  isNew: key(v.boolean(), "the file has no table of it yet"),
  fetch: key(v.array(stretch), "stretches that a pull would fetch, in time order"),
  slices: key(v.number(), "queries for rows"),
  rows: key(
    v.number(),
    "to fetch, as far as they are known; those of realtime segments as Druid last reported them",
  ),
  groups: v.exactOptional(
    key(v.number(), "of an aggregate: about how many groups these rows become, from a sample"),
  ),
  segmentBytes: key(v.number(), "of all that is fetched"),
  downloadBytes: key(
    v.nullable(v.number()),
    "before compression, by the bytes per row of earlier runs; null without any",
  ),
  unchangedChunks: v.number(),
  provenByCount: key(v.number(), "checkpoints that are renewed without a fetch"),
  unavailable: key(v.array(v.object(reasoned)), "what cannot be copied now: the pull would exit with 3"),
  cold: key(v.array(v.string()), "intervals that the load rules keep on no server"),
  broken: v.exactOptional(
    key(v.array(v.object(reasoned)), "of what Druid lists it answers nothing, since a partition is missing"),
  ),
  excluded: key(v.array(v.string()), "realtime intervals that the configuration leaves out"),
  dropped: key(v.array(v.string()), "intervals that Druid dropped"),
  deletions: key(v.picklist(["keep", "mirror"]), "what becomes of them"),
  passedOut: v.exactOptional(
    key(v.array(v.string()), "with `keep`: held intervals that lie before its window and would be deleted"),
  ),
  schemaChanges: key(v.array(v.string()), "in words"),
  warnings: key(v.array(v.string()), "in words"),
  error: v.optional(key(failure, "it cannot be pulled; the others can")),
})

export type PlannedDatasource = DocumentOf<typeof datasource>

export const planDocument = v.object({
  format,
  out,
  exitCode: key(exitCode, "what the pull would exit with, as far as can be told"),
  range: v.exactOptional(range),
  datasources: key(v.array(datasource), "in the order of the configuration"),
  lookups: v.exactOptional(key(v.array(plannedLookup), "with `lookups`")),
})

export type DryRun = DocumentOf<typeof planDocument>
