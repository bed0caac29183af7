/** Lines for people, by consola: what is said at which level, and how a line looks. */
import { type ConsolaInstance, createConsola } from "consola/core"
import type { Style } from "./style.ts"

/** Tag of lines that say themselves how bad it is. */
const BARE = "bare"

export interface LinesOptions {
  readonly style: Style
  /** gets one line (or several, with line breaks between) without the last line break */
  readonly write: (text: string) => void
  readonly quiet: boolean
  readonly verbose: boolean
}

/** What can be said. Each takes text that is safe to print. */
export interface Lines {
  error(text: string): void
  warn(text: string): void
  info(text: string): void
  /** only with `--verbose` */
  detail(text: string): void
  /** a line of a summary, at the level that its outcome deserves */
  summary(text: string, level: "error" | "warn" | "info"): void
}

const QUIET = 1
const NORMAL = 3
const VERBOSE = 4

export function createLines(options: LinesOptions): Lines {
  const { style } = options
  const consola: ConsolaInstance = createConsola({
    level: options.quiet ? QUIET : options.verbose ? VERBOSE : NORMAL,
    // Nothing that a server said twice is left out, and no timer is left running.
    throttle: 0,
    reporters: [
      {
        log: ({ type, tag, args }) => {
          const text = args.map(String).join(" ")
          if (tag === BARE || type === "info") options.write(text)
          else if (type === "warn") options.write(`${style.yellow("warning:")} ${text}`)
          else if (type === "error") options.write(`${style.red("error:")} ${text}`)
          else options.write(style.dim(text))
        },
      },
    ],
  })
  const bare = consola.withTag(BARE)
  return {
    error: (text) => consola.error(text),
    warn: (text) => consola.warn(text),
    info: (text) => consola.info(text),
    detail: (text) => consola.debug(text),
    summary: (text, level) => bare[level](text),
  }
}
