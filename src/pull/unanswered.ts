/**
 * Chunks whose core set lacks a partition, and of which Druid answers no row. Where it answers some all the same, the list
 * of segments is wrong or old, and the chunk is one like others.
 */
import type { Segment } from "../base/domain.ts"
import { DruidsyncError } from "../base/errors.ts"
import { chunksOf } from "../plan/chunks.ts"
import { type Broken, brokenOf, tellerOf } from "./broken.ts"
import type { Differs } from "./judge.ts"
import type { Ports } from "./ports.ts"

/** Looks for them with two questions at most, none where the list is whole. @throws the signal's reason */
export async function withBroken(
  ports: Pick<Ports, "catalog" | "signal">,
  subject: Differs,
): Promise<Differs> {
  return { ...subject, broken: await brokenChunks(ports, subject.settings.name, subject.segments) }
}

/** The same of a list of segments. @returns none where a question fails: nothing is concluded then */
export async function brokenChunks(
  { catalog, signal }: Pick<Ports, "catalog" | "signal">,
  datasource: string,
  segments: readonly Segment[],
): Promise<readonly Broken[]> {
  const chunks = chunksOf(segments)
  const tellers = chunks.flatMap((chunk) => tellerOf(chunk) ?? [])
  try {
    const told = tellers.length === 0 ? undefined : await catalog.coreSets(datasource, tellers, signal)
    const lacking = chunks.flatMap((chunk) => brokenOf(chunk, told) ?? [])
    if (lacking.length === 0) return []
    const intervals = lacking.map(({ interval }) => interval)
    const counts = await countedOrNothing(() => catalog.counts({ datasource }, intervals, signal))
    return lacking.filter((_, n) => (counts?.[n]?.all ?? 0) === 0)
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof DruidsyncError)) throw error
    return []
  }
}

/** @returns undefined if nothing of the datasource can be asked: Druid answers nothing of these chunks either */
async function countedOrNothing<T>(count: () => Promise<T>): Promise<T | undefined> {
  try {
    return await count()
  } catch (error) {
    if (error instanceof DruidsyncError && error.code === "unknown-datasource") return undefined
    throw error
  }
}
