/** Is the cluster of the configuration the one that the file was pulled from? */
import { usage } from "../base/errors.ts"
import type { Differing } from "../base/segments-look.ts"
import { parseSegmentSet, segmentSetText } from "../plan/segment-set.ts"
import { heldOf, holdingOf, type Seen } from "./judge.ts"
import type { Ports, PullRequest } from "./ports.ts"

/**
 * Refuses to mix two clusters in one table. Another address may be another way to the same cluster (a second router, a
 * tunnel): one segment that the file holds and Druid lists is enough to know.
 * @throws DruidsyncError `usage`
 */
export async function refuseOtherCluster(
  { file, origin, signal }: Pick<Ports, "file" | "origin" | "signal">,
  { datasources, moved }: Pick<PullRequest, "datasources" | "moved">,
  look: Seen,
): Promise<void> {
  const { state, inventory } = look
  if (origin === undefined || moved === true) return
  const held = datasources.filter((one) => {
    const known = heldOf(state, one)?.origin
    return known !== undefined && known !== origin
  })
  if (held.length === 0) return
  const ever = { full: false, sinceMs: undefined, untilMs: undefined }
  const holdings = held.map((one) => holdingOf({ ...one, sinceMs: undefined, keepMs: "all" }, look, ever, 0))
  const differing = await file.read(() => inventory.segments.differing(holdings), signal)
  const known = held.map((one, n) => ({ origin: heldOf(state, one)?.origin, differing: differing[n]! }))
  for (const other of new Set(known.map((one) => one.origin))) {
    const identified = known.filter((one) => one.origin === other && hasIdentity(one.differing))
    if (identified.length === 0 || identified.some((one) => isListed(one.differing))) continue
    throw usage(
      `${file.path} was pulled from ${other}, and the configuration names ${origin}, which lists none of the segments that the file holds; the file was left as it is`,
      'check "host", or use another --out; if the data has moved there, say so with --moved',
    )
  }
}

function hasIdentity({ parts, unchanged }: Differing): boolean {
  return unchanged > 0 || parts.some(({ segments }) => parseSegmentSet(segments).size > 0)
}

function isListed({ parts, segments, unchanged }: Differing): boolean {
  if (unchanged > 0) return true
  const listed = parseSegmentSet(segmentSetText(segments))
  return parts.some((part) =>
    [...parseSegmentSet(part.segments)].some(([key, numbers]) => {
      const now = listed.get(key)
      return now !== undefined && [...numbers].some((partition) => now.has(partition))
    }),
  )
}
