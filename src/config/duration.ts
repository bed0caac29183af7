/** Reads lengths of time as people write them. Pure. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

const SHORT = /^(?:\d+(?:\.\d+)?(?:ms|[smhdw]))+$/
const SHORT_PART = /(\d+(?:\.\d+)?)(ms|[smhdw])/g
const ISO = /^P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/

/**
 * Milliseconds of "30s", "1h30m", "3d" or of ISO 8601 ("PT30S", "P1DT12H"), rounded to whole ones; undefined for
 * anything else. Years and months are not accepted: their length varies. A number without a unit neither.
 */
export function parseDuration(text: string): number | undefined {
  const ms = SHORT.test(text) ? shortMs(text) : isoMs(text)
  return ms !== undefined && Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : undefined
}

function shortMs(text: string): number {
  let ms = 0
  for (const [, amount, unit] of text.matchAll(SHORT_PART)) ms += Number(amount) * UNIT_MS[unit!]!
  return ms
}

function isoMs(text: string): number | undefined {
  const match = ISO.exec(text)
  if (match === null) return undefined
  return ["w", "d", "h", "m", "s"].reduce((ms, unit, i) => ms + Number(match[i + 1] ?? 0) * UNIT_MS[unit]!, 0)
}
