/**
 * Patterns of names in `datasources`. `*` is any text, `?` any character, `!` at the beginning leaves out what matches;
 * `\*`, `\?`, `\!` and `\\` are the characters themselves. Names have no folders, so nothing else of a shell's globs is
 * special here, and a library for those would be wrong. Pure.
 */
import type { DatasourceSettings, Pattern } from "./settings.ts"
import { tableName } from "./table-name.ts"

/** What of a cluster is copied: what is named, and what patterns match. */
export interface Choice {
  readonly datasources: readonly DatasourceSettings[]
  readonly patterns: readonly Pattern[]
}

/** Each an escaped character, or a special one, or any other. */
const TOKENS = /\\[*?!\\]|[*?]|./gsu

/** Stands for all others, wherever it is in the list. */
const ALL = "*"

export function leavesOut(text: string): boolean {
  return text.startsWith("!")
}

export function isPattern(text: string): boolean {
  return leavesOut(text) || tokens(text).some((token) => token === "*" || token === "?")
}

/** The name that a text without special characters stands for. */
export function unescaped(text: string): string {
  return tokens(text)
    .map((token) => (token.length > 1 && token.startsWith("\\") ? token.slice(1) : token))
    .join("")
}

/** The text that stands for a name. */
export function escaped(name: string): string {
  return name.replace(/[*?]|\\(?=[*?!\\])|^!/g, (special) => `\\${special}`)
}

/** Whether a name is one of a pattern's. */
export function matches(pattern: string, name: string): boolean {
  const source = tokens(pattern).map((token) => {
    if (token === "*") return ".*"
    if (token === "?") return "."
    return unescaped(token).replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
  })
  return new RegExp(`^${source.join("")}$`, "su").test(name)
}

function tokens(text: string): string[] {
  return text.match(TOKENS) ?? []
}

/** Whether patterns as they are written leave a name in. */
export function admits(texts: readonly string[], name: string): boolean {
  const isOut = texts.some((text) => leavesOut(text) && matches(text.slice(1), name))
  return !isOut && texts.some((text) => !leavesOut(text) && matches(text, name))
}

/** What decides on a name that the configuration does not have itself. */
export function decisive(patterns: readonly Pattern[], name: string): Pattern | undefined {
  const matching = patterns.filter(({ text }) => matches(text, name))
  const out = matching.find(({ settings }) => settings === undefined)
  return out ?? matching.find(({ text }) => text !== ALL) ?? matching[0]
}

/**
 * The tables that a choice makes of these names, those of the configuration's own names first. What is named itself is
 * copied whatever patterns say. Of all else, what a `!` matches is left out, and the first pattern that matches decides
 * the settings.
 * @param names of datasources, in the order that the tables are to have
 */
export function chosen({ datasources, patterns }: Choice, names: Iterable<string>): DatasourceSettings[] {
  const named = new Set(datasources.map(({ name }) => name))
  const matched = [...new Set(names)].flatMap((name) => {
    const settings = named.has(name) ? undefined : decisive(patterns, name)?.settings
    return settings === undefined ? [] : [{ ...settings, name, table: tableName(name), isMatched: true }]
  })
  return [...datasources, ...matched]
}
