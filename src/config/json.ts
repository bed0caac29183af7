/**
 * Strict JSON whose faults have a line and a column. `JSON.parse` says where only in some runtimes, and keeps
 * the last of two equal keys without a word; this reads the text once for faults, then lets `JSON.parse` build it.
 */

/** Where and why a text is not JSON; line and column count from 1. No text from the file but a single character or a key. */
export interface JsonFault {
  readonly line: number
  readonly column: number
  readonly message: string
}

const MAX_DEPTH = 64
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /[\p{L}\p{N}_$-]+/uy

class Fault extends Error {
  readonly offset: number

  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

/** The value of a JSON text, or its first fault. */
export function parseJson(text: string): { readonly value: unknown } | { readonly fault: JsonFault } {
  try {
    checkJson(text)
    return { value: JSON.parse(text) }
  } catch (error) {
    if (error instanceof Fault) return { fault: { ...placeOf(text, error.offset), message: error.message } }
    // a fault that only JSON.parse saw; its words may quote the text, so they are left out
    if (error instanceof SyntaxError) return { fault: { line: 1, column: 1, message: "it cannot be read" } }
    throw error
  }
}

function placeOf(text: string, offset: number): { line: number; column: number } {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/)
  return { line: lines.length, column: lines.at(-1)!.length + 1 }
}

/** Throws a Fault where the text leaves RFC 8259, repeats a key, or nests deeper than a configuration ever does. */
function checkJson(text: string): void {
  let at = 0

  function fail(message: string, offset = at): never {
    throw new Fault(offset, message)
  }

  function skipSpace(): void {
    while (at < text.length && " \t\r\n".includes(text[at]!)) at++
    if (text[at] === "#" || (text[at] === "/" && "/*".includes(text[at + 1] ?? " "))) {
      fail("comments are not accepted; the file is plain JSON")
    }
  }

  function found(): string {
    if (at >= text.length) return "the end of the file"
    const char = String.fromCodePoint(text.codePointAt(at)!)
    if (/^[\p{L}\p{N}\p{P}\p{S}]$/u.test(char)) return char === '"' ? "a double quote" : `"${char}"`
    return `the character U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`
  }

  function value(depth: number): void {
    skipSpace()
    const char = text[at]
    if (depth > MAX_DEPTH) fail(`it is nested deeper than ${MAX_DEPTH} levels`)
    if (char === "{") object(depth)
    else if (char === "[") array(depth)
    else if (char === '"') string()
    else scalar(char)
  }

  function scalar(char: string | undefined): void {
    if (char === "'") fail("text is written in double quotes")
    NUMBER.lastIndex = at
    if (NUMBER.test(text)) {
      const end = NUMBER.lastIndex
      if (/[\w.]/.test(text[end] ?? "")) fail("this is not a number in JSON")
      at = end
      return
    }
    const word = ["true", "false", "null"].find((candidate) => text.startsWith(candidate, at))
    if (word !== undefined && !isWordAt(at + word.length)) {
      at += word.length
      return
    }
    if (at < text.length && isWordAt(at))
      fail("text is written in double quotes; bare words are true, false, null")
    fail(`expected a value, found ${found()}`)
  }

  function isWordAt(offset: number): boolean {
    WORD.lastIndex = offset
    return WORD.test(text)
  }

  function object(depth: number): void {
    const keys = new Set<string>()
    at++
    skipSpace()
    if (text[at] === "}") return void at++
    for (;;) {
      skipSpace()
      if (text[at] === "}") fail("a comma too many before this brace")
      if (text[at] === "'") fail("keys are written in double quotes")
      if (text[at] !== '"') fail(`expected a key in double quotes, found ${found()}`)
      const start = at
      string()
      const key = JSON.parse(text.slice(start, at)) as string
      if (keys.has(key)) fail(`the key ${JSON.stringify(key.slice(0, 60))} is there twice`, start)
      keys.add(key)
      skipSpace()
      if (text[at] !== ":") fail(`expected ":" after the key, found ${found()}`)
      at++
      value(depth + 1)
      skipSpace()
      if (text[at] === "}") return void at++
      if (text[at] !== ",") fail(`expected "," or "}", found ${found()}`)
      at++
    }
  }

  function array(depth: number): void {
    at++
    skipSpace()
    if (text[at] === "]") return void at++
    for (;;) {
      value(depth + 1)
      skipSpace()
      if (text[at] === "]") return void at++
      if (text[at] !== ",") fail(`expected "," or "]", found ${found()}`)
      at++
      skipSpace()
      if (text[at] === "]") fail("a comma too many before this bracket")
    }
  }

  function string(): void {
    const start = at++
    for (;;) {
      const char = text[at]
      if (char === undefined) fail("this text has no closing double quote", start)
      if (char === "\n" || char === "\r") fail("this text is not closed on its line", start)
      if (char < " ") fail(`${found()} has to be written as an escape`)
      if (char === '"') return void at++
      if (char === "\\") escaped()
      else at++
    }
  }

  function escaped(): void {
    const isUnicode = /^\\u[0-9a-fA-F]{4}$/.test(text.slice(at, at + 6))
    const isShort = '"\\/bfnrt'.includes(text[at + 1] ?? " ")
    if (!isUnicode && !isShort) fail("this escape is unknown; a backslash itself is written \\\\")
    at += isUnicode ? 6 : 2
  }

  value(0)
  skipSpace()
  if (at < text.length) fail(`nothing may follow the closing brace, found ${found()}`)
}
