/** Is the cluster of the configuration the one that the file was pulled from? Pure. */
import { usage } from "../base/errors.ts"
import type { Inventory } from "../druid/catalog.ts"
import { parseSegmentSet, segmentSetText } from "../plan/segment-set.ts"
import type { HeldState } from "../store/notes/state.ts"
import { heldOf, type Look } from "./judge.ts"
import type { Ports, PullRequest } from "./ports.ts"

/**
 * Refuses to mix two clusters in one table. Another address may be another way to the same cluster (a second router, a
 * tunnel): one segment that the file holds and Druid lists is enough to know.
 * @throws DruidsyncError `usage`
 */
export function refuseOtherCluster(
  { file, origin }: Pick<Ports, "file" | "origin">,
  { datasources, moved }: Pick<PullRequest, "datasources" | "moved">,
  { state, inventory }: Look,
): void {
  if (origin === undefined || moved === true) return
  const held = datasources.flatMap((settings) => heldOf(state, settings) ?? [])
  for (const other of new Set(held.map((one) => one.origin))) {
    if (other === undefined || other === origin) continue
    const identified = held.filter((one) => one.origin === other && one.parts.some(hasIdentity))
    if (identified.length === 0 || identified.some((one) => isListed(one, inventory))) continue
    throw usage(
      `${file.path} was pulled from ${other}, and the configuration names ${origin}, which lists none of the segments that the file holds; the file was left as it is`,
      'check "host", or use another --out; if the data has moved there, say so with --moved',
    )
  }
}

function hasIdentity({ segments }: { readonly segments: string }): boolean {
  return parseSegmentSet(segments).size > 0
}

function isListed({ datasource, parts }: HeldState, inventory: Inventory): boolean {
  const listed = parseSegmentSet(segmentSetText(inventory.segments.get(datasource) ?? []))
  return parts.some(({ segments }) =>
    [...parseSegmentSet(segments)].some(([key, numbers]) => {
      const now = listed.get(key)
      return now !== undefined && [...numbers].some((partition) => now.has(partition))
    }),
  )
}
