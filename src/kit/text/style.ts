/**
 * Colour, only where it is wanted: on a terminal that has it, and where the environment does not say otherwise.
 * `NO_COLOR` (no-color.org) wins over `FORCE_COLOR` (force-color.org), which wins over `TERM=dumb` and over what the
 * output is.
 */
import { type Env, isLive, type Sink } from "../sink.ts"

/** Escape sequences that begin and end each. */
const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const

type Paint = (text: string) => string

/** Each paints a text, or leaves it as it is. */
export type Style = Readonly<Record<keyof typeof CODES, Paint>>

function styleOf(paint: (on: number, off: number) => Paint): Style {
  return Object.fromEntries(Object.entries(CODES).map(([name, [on, off]]) => [name, paint(on, off)])) as Style
}

/** No colour at all. */
export const PLAIN = styleOf(() => (text) => text)

const ANSI = styleOf((on, off) => (text) => (text === "" ? "" : `\u001b[${on}m${text}\u001b[${off}m`))

export function wantsColour(sink: Sink, env: Env): boolean {
  if (isSet(env.NO_COLOR)) return false
  if (isSet(env.FORCE_COLOR)) return env.FORCE_COLOR !== "0" && env.FORCE_COLOR !== "false"
  return isLive(sink, env)
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== ""
}

/** The style for what is written to this sink. */
export function styleFor(sink: Sink, env: Env): Style {
  return wantsColour(sink, env) ? ANSI : PLAIN
}
