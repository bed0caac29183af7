/** Names that DuckDB can tell apart: it ignores case, Druid does not. */
import { fold } from "../../base/names.ts"

/**
 * @param names as Druid has them, in order
 * @param taken names (any case) that are used already
 * @returns for each name the one to use in DuckDB: itself, or with a suffix `_2`, `_3`, … where another has it; a NUL
 * becomes the symbol for it, `␀`
 */
export function targetNames(names: readonly string[], taken: Iterable<string> = []): string[] {
  const used = new Set([...taken].map(fold))
  // Names that need no change win over made-up ones, whatever the order: "a", "A", "a_2" keep "a" and "a_2".
  const exact = new Set(names.map(fold))
  return names.map((name) => {
    const base = writable(name)
    let candidate = base
    for (let n = 2; used.has(fold(candidate)) || (candidate !== name && exact.has(fold(candidate))); n++) {
      candidate = `${base}_${n}`
    }
    used.add(fold(candidate))
    return candidate
  })
}

/** DuckDB's SQL ends at a NUL, even between quotes, and knows no empty names. */
function writable(name: string): string {
  return name === "" ? "_" : name.replaceAll("\u0000", "\u2400")
}
