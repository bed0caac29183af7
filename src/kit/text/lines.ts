/** Lines for people: what is said at which level, and how a line looks. */
import type { Style } from "./style.ts"

export interface LinesOptions {
  readonly style: Style
  /** gets one line (or several, with line breaks between) without the last line break */
  readonly write: (text: string) => void
  readonly quiet: boolean
  readonly verbose: boolean
}

/** What can be said. Each takes text that is safe to print; with `--quiet`, warnings and errors alone are. */
export interface Lines {
  warn(text: string): void
  info(text: string): void
  /** only with `--verbose` */
  detail(text: string): void
  /** a line of a summary, at the level that its outcome deserves */
  summary(text: string, level: "error" | "warn" | "info"): void
}

export function createLines({ style, write, quiet, verbose }: LinesOptions): Lines {
  const unlessQuiet = (text: string) => {
    if (!quiet) write(text)
  }
  return {
    warn: (text) => write(`${style.yellow("warning:")} ${text}`),
    info: unlessQuiet,
    detail: (text) => verbose && unlessQuiet(style.dim(text)),
    summary: (text, level) => (level === "info" ? unlessQuiet : write)(text),
  }
}
