/** Druid SQL text as tokens: names, quoted names, text, numbers, operators; comments are skipped. */
import { sqlError } from "./errors.ts"

export interface Token {
  readonly kind: "word" | "name" | "text" | "number" | "symbol" | "end"
  /** words in upper case; names and text without their quotes */
  readonly value: string
  /** as written */
  readonly raw: string
  /** offset in the SQL text */
  readonly at: number
}

const PATTERN =
  /(?<skip>(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+)|(?<unicode>[uU]&'(?:[^']|'')*')|(?<text>'(?:[^']|'')*')|(?<name>"(?:[^"]|"")+")|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<word>[\p{L}_][\p{L}\p{N}_$]*)|(?<symbol><>|<=|>=|!=|\|\||[-+*/%=<>(),.?])/uy

/** @throws SqlError where the text is no SQL */
export function tokens(sql: string): Token[] {
  const found: Token[] = []
  let at = 0
  while (at < sql.length) {
    PATTERN.lastIndex = at
    const match = PATTERN.exec(sql)
    if (!match) throw sqlError(`Received an unexpected token [${sql[at]}]`, sql, at, sql[at]!.length)
    const { skip, unicode, text, name, number, word } = match.groups!
    const raw = match[0]
    if (skip === undefined) {
      if (unicode !== undefined) found.push({ kind: "text", value: unescaped(unicode.slice(3, -1)), raw, at })
      else if (text !== undefined)
        found.push({ kind: "text", value: text.slice(1, -1).replaceAll("''", "'"), raw, at })
      else if (name !== undefined)
        found.push({ kind: "name", value: name.slice(1, -1).replaceAll('""', '"'), raw, at })
      else if (number !== undefined) found.push({ kind: "number", value: number, raw, at })
      else if (word !== undefined) found.push({ kind: "word", value: word.toUpperCase(), raw, at })
      else found.push({ kind: "symbol", value: raw, raw, at })
    }
    at += raw.length
  }
  found.push({ kind: "end", value: "", raw: "<EOF>", at })
  return found
}

/** The body of `U&'…'`: `\0153`, `\+01F600`, `\\`. */
function unescaped(body: string): string {
  return body
    .replaceAll("''", "'")
    .replace(/\\(?:\\|\+([0-9a-fA-F]{6})|([0-9a-fA-F]{4}))/g, (whole, long: string, short: string) => {
      if (whole === "\\\\") return "\\"
      return long
        ? String.fromCodePoint(Number.parseInt(long, 16))
        : String.fromCharCode(Number.parseInt(short, 16))
    })
}
