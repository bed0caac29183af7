/**
 * What the list of segments alone does not tell of a chunk whose core set lacks a partition: whether Druid answers rows of
 * it all the same. Then the list is wrong or old, and the chunk is one like others.
 */
import { DruidsyncError } from "../base/errors.ts"
import { chunksOf } from "../plan/chunks.ts"
import { brokenOf } from "./broken.ts"
import type { Subject } from "./judge.ts"
import type { Ports } from "./ports.ts"

/** Counts the rows of such chunks, in one question; where that fails, nothing is concluded. @throws the signal's reason */
export async function withAnswers(
  { catalog, signal }: Pick<Ports, "catalog" | "signal">,
  subject: Subject,
): Promise<Subject> {
  const { settings, inventory } = subject
  const chunks = chunksOf(inventory.segments.get(settings.name) ?? [])
  const doubted = chunks.filter((chunk) => brokenOf(chunk) !== undefined).map(({ interval }) => interval)
  if (doubted.length === 0) return subject
  try {
    const counts = await catalog.counts({ datasource: settings.name }, doubted, signal)
    return { ...subject, answered: doubted.filter((_, n) => counts[n]!.all > 0) }
  } catch (error) {
    signal.throwIfAborted()
    // Nothing of the datasource can be asked: Druid answers nothing of these chunks either.
    const isNothing = error instanceof DruidsyncError && error.code === "unknown-datasource"
    return { ...subject, answered: isNothing ? [] : doubted }
  }
}
