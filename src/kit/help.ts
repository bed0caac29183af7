/** `--help`, made from citty's definitions of the arguments: the overview and one page per command. Pure. */
import { EXIT_CODES } from "../base/errors.ts"
import { aliasesOf, type Flag, type Flags } from "./flag.ts"
import type { Sink } from "./sink.ts"
import { displayWidth, wrap } from "./text/width.ts"

/** What an example shows, and its command line. */
export type Examples = readonly (readonly [what: string, line: string])[]

export interface CommandPage {
  readonly name: string
  /** one line, as in the overview */
  readonly about: string
  readonly args: Flags
  /** paragraphs between the usage and the options */
  readonly notes: readonly string[]
  readonly examples: Examples
}

/** Lines longer than this are hard to read; a terminal may be narrower. */
const MOST_CELLS = 100
const USUAL_CELLS = 80
const FEWEST_CELLS = 50

export function helpWidth(sink: Sink): number {
  return Math.max(FEWEST_CELLS, Math.min(MOST_CELLS, sink.columns ?? USUAL_CELLS))
}

/** What druidsync is, in a sentence. */
export const INTRO = "Keeps a local DuckDB file an exact, proven copy of Apache Druid datasources."

/** `druidsync --help` */
export function overviewText(
  version: string,
  verbs: Readonly<Record<string, { readonly about: string }>>,
  width: number,
): string {
  return lines([
    `druidsync ${version}`,
    ...wrap(INTRO, width),
    "",
    "Usage: druidsync COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...definitions(
      Object.entries(verbs).map(([name, { about }]) => [name, about]),
      width,
    ),
    "",
    "Options:",
    ...definitions(
      [
        ["-h, --help", "show this, or with a command what it takes"],
        ["-V, --version", "show the version"],
      ],
      width,
    ),
    "",
    "Start with:",
    "  druidsync init",
    "  druidsync pull --out analytics.duckdb",
    "",
    "Exit codes:",
    ...definitions(
      EXIT_CODES.map(([code, meaning]) => [String(code), meaning]),
      width,
    ),
    "",
    "druidsync COMMAND --help tells more about a command.",
  ])
}

/** How a command is called, with what it cannot do without. */
export function synopsis({ name, args }: Pick<CommandPage, "name" | "args">): string {
  const required = Object.entries(args)
    .filter(([, arg]) => arg.required === true)
    .map(([flag, arg]) => (arg.type === "positional" ? hintOf(flag, arg) : `--${flag} ${hintOf(flag, arg)}`))
  const positionals = Object.entries(args)
    .filter(([, arg]) => arg.type === "positional" && arg.required !== true)
    .map(([flag, arg]) => `[${hintOf(flag, arg)}]`)
  return ["druidsync", name, ...required, ...positionals, "[OPTIONS]"].join(" ")
}

/** `druidsync COMMAND --help` */
export function commandHelp(page: CommandPage, width: number): string {
  const { name, about, args, notes, examples } = page
  const usage = `Usage: ${synopsis(page)}`
  return lines([
    ...wrap(`druidsync ${name}: ${about}`, width),
    "",
    ...wrap(usage, width, "       "),
    ...notes.flatMap((note) => ["", ...wrap(note, width)]),
    "",
    "Options:",
    ...definitions(
      [...Object.entries(args).map(([flag, arg]) => option(flag, arg)), ["-h, --help", "show this"]],
      width,
    ),
    "",
    "Examples:",
    ...examples.flatMap(([what, line], n) => [...(n === 0 ? [] : [""]), `  # ${what}`, `  ${line}`]),
  ])
}

/** `-c`; undefined if a flag has no short form. */
export function shortOf(arg: Flag): string | undefined {
  const [alias] = aliasesOf(arg)
  return alias === undefined ? undefined : `-${alias}`
}

/** The left and the right side of an option's line. */
function option(flag: string, arg: Flag): [string, string] {
  if (arg.type === "positional") return [hintOf(flag, arg), described(arg)]
  const alias = shortOf(arg)
  const short = alias === undefined ? "    " : `${alias}, `
  const value = arg.type === "boolean" ? "" : ` ${hintOf(flag, arg)}`
  return [`${short}--${flag}${value}`, described(arg)]
}

/** What an argument is, with its default. */
export function described(arg: Flag): string {
  const description = arg.description ?? ""
  if (arg.required === true) return `${description}; required`
  // "default: false" of a switch says nothing.
  return typeof arg.default === "string" ? `${description} (default: ${arg.default})` : description
}

/** What stands for an argument's value. */
export function hintOf(flag: string, arg: Flag): string {
  if (arg.type === "enum" && arg.options !== undefined) return arg.options.join("|")
  return arg.valueHint ?? flag.toUpperCase()
}

/** Two columns; the right one is wrapped. */
function definitions(entries: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.max(...entries.map(([term]) => displayWidth(term)))
  const indent = " ".repeat(left + 4)
  return entries.flatMap(([term, text]) => {
    const [first = "", ...rest] = wrap(text, Math.max(20, width - left - 4))
    return [`  ${term.padEnd(left)}  ${first}`, ...rest.map((line) => indent + line)]
  })
}

function lines(all: readonly string[]): string {
  return `${all.map((line) => line.trimEnd()).join("\n")}\n`
}
