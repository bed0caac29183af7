/**
 * Colour, only where it is wanted: on a terminal that has it, and where the environment does not say otherwise.
 * `NO_COLOR` (no-color.org) wins over `FORCE_COLOR` (force-color.org), which wins over `TERM=dumb` and over what the
 * output is.
 */
import { type Env, isLive, type Sink } from "../sink.ts"

/** Each paints a text, or leaves it as it is. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

/** No colour at all. */
export const PLAIN: Style = {
  bold: (text) => text,
  dim: (text) => text,
  red: (text) => text,
  green: (text) => text,
  yellow: (text) => text,
  cyan: (text) => text,
}

const ANSI: Style = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  yellow: paint(33, 39),
  cyan: paint(36, 39),
}

function paint(on: number, off: number): (text: string) => string {
  return (text) => (text === "" ? "" : `\u001b[${on}m${text}\u001b[${off}m`)
}

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
