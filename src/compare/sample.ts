/** Picks a share of the chunks by a seed: the same seed and the same chunks give the same choice. Pure. */
import { createHash } from "node:crypto"
import type { Stretch } from "./stretches.ts"

/** So many chunks of each datasource, or so many of a hundred. */
export type Sample = { readonly kind: "chunks" | "percent"; readonly value: number }

/** `20` or `5%`, also `0.5%`; undefined if the text is neither, or nothing would be compared. */
export function parseSample(text: string): Sample | undefined {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim())
  if (match === null) return undefined
  const value = Number(match[1])
  const isPercent = match[2] === "%"
  if (value <= 0 || (isPercent ? value > 100 : !Number.isInteger(value))) return undefined
  return { kind: isPercent ? "percent" : "chunks", value }
}

/**
 * Whole chunks are chosen, with all their stretches; at least one where there is any.
 * @returns the chosen stretches in their order
 */
export function sampled(
  stretches: readonly Stretch[],
  sample: Sample | undefined,
  seed: string,
  datasource: string,
): Stretch[] {
  if (sample === undefined) return [...stretches]
  const keyOf = (stretch: Stretch) => `${stretch.chunk.interval.start}/${stretch.chunk.interval.end}`
  const keys = [...new Set(stretches.map(keyOf))]
  const wanted =
    sample.kind === "chunks" ? sample.value : Math.max(1, Math.round((keys.length * sample.value) / 100))
  const place = (key: string) =>
    createHash("sha256")
      .update(JSON.stringify([seed, datasource, key]))
      .digest("hex")
  const ranked = keys.map((key) => [place(key), key] as const).sort(([a], [b]) => (a < b ? -1 : 1))
  const chosen = new Set(ranked.slice(0, wanted).map(([, key]) => key))
  return stretches.filter((stretch) => chosen.has(keyOf(stretch)))
}
