/**
 * Strict JSON whose faults have a line and a column. `JSON.parse` says where only in some runtimes, and silently
 * keeps the last of two equal keys. jsonc-parser finds the place of a fault, and this module finds the words.
 */

import { type JSONVisitor, type ParseErrorCode, printParseErrorCode, visit } from "jsonc-parser"

/** Where and why a text is not JSON; line and column count from 1. No text from the file but a single character or a key. */
export interface JsonFault {
  readonly line: number
  readonly column: number
  readonly message: string
}

/** An object as JSON has it. */
export type RawObject = Readonly<Record<string, unknown>>

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is RawObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

/** The value of a JSON text, or its first fault. */
export function parseJson(text: string): { readonly value: unknown } | { readonly fault: JsonFault } {
  try {
    visit(text, refusals(text), { disallowComments: true })
    return { value: JSON.parse(text) }
  } catch (error) {
    if (error instanceof Fault) return { fault: error.fault }
    // only JSON.parse saw this fault; its message may quote the text, so we leave it out
    if (error instanceof SyntaxError) return { fault: { line: 1, column: 1, message: "it cannot be read" } }
    throw error
  }
}

/** No configuration nests deeper, and the parser's stack would overflow not much later. */
const MAX_DEPTH = 64
const COMMENT = "comments are not accepted; the file is plain JSON"
const NO_NUMBER = "this is not a number in JSON"

class Fault extends Error {
  readonly fault: JsonFault

  /** Line and character count from 0, as in jsonc-parser. */
  constructor(message: string, line: number, character: number) {
    super(message)
    this.fault = { line: line + 1, column: character + 1, message }
  }
}

/** What may come next. */
type Expected = "key" | "colon" | "value" | "comma" | "end"

/** Throws a Fault at the first place where the text leaves RFC 8259, repeats a key or is nested too deep. */
function refusals(text: string): JSONVisitor {
  /** each container that is open, from the outermost: an object's keys, or undefined for an array */
  const open: (Set<string> | undefined)[] = []
  let expected: Expected = "value"

  function begin(keys: Set<string> | undefined, line: number, character: number): void {
    if (open.length > MAX_DEPTH)
      throw new Fault(`it is nested deeper than ${MAX_DEPTH} levels`, line, character)
    open.push(keys)
    expected = keys === undefined ? "value" : "key"
  }

  function valueEnds(): void {
    expected = open.length === 0 ? "end" : "comma"
  }

  function containerEnds(offset: number): void {
    // called at the end of the text, too
    if (offset === text.length) return
    open.pop()
    valueEnds()
  }

  return {
    onObjectBegin: (_offset, _length, line, character) => begin(new Set(), line, character),
    onArrayBegin: (_offset, _length, line, character) => begin(undefined, line, character),
    onObjectEnd: containerEnds,
    onArrayEnd: containerEnds,
    onLiteralValue: valueEnds,
    onSeparator: (separator) => {
      expected = separator === ":" || open.at(-1) === undefined ? "value" : "key"
    },
    onObjectProperty: (key, _offset, _length, line, character) => {
      const keys = open.at(-1)
      if (keys?.has(key))
        throw new Fault(`the key ${JSON.stringify(key.slice(0, 60))} is there twice`, line, character)
      keys?.add(key)
      expected = "colon"
    },
    onError: (code, offset, length, line, character) => {
      const isObject = open.at(-1) !== undefined
      const [message, at = offset] =
        inToken(text, code, offset, length) ?? betweenTokens(text, offset, expected, isObject)
      throw new Fault(message, line, character + at - offset)
    },
  }
}

/** A sentence about a fault, and its offset where that is not where the token begins. */
type Words = readonly [message: string, at?: number]

/** What is wrong inside a text, a number or a comment; undefined if the token is well but in the wrong place. */
function inToken(text: string, code: ParseErrorCode, offset: number, length: number): Words | undefined {
  const end = offset + length
  switch (printParseErrorCode(code)) {
    case "InvalidCommentToken":
    case "UnexpectedEndOfComment":
      return [COMMENT]
    case "UnexpectedEndOfNumber":
      return [NO_NUMBER]
    case "UnexpectedEndOfString":
      return [
        end < text.length ? "this text is not closed on its line" : "this text has no closing double quote",
      ]
    case "InvalidUnicode":
    case "InvalidEscapeCharacter": {
      const well = /^(?:[^\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*/.exec(text.slice(offset, end))![0]
      return ["this escape is unknown; a backslash itself is written \\\\", offset + well.length]
    }
    case "InvalidCharacter": {
      const at = offset + text.slice(offset, end).search(/\p{Cc}/u)
      return [`${found(text, at)} has to be written as an escape`, at]
    }
    default:
      return undefined
  }
}

/** What is wrong where a token may not stand, or where there is none. */
function betweenTokens(text: string, offset: number, expected: Expected, isObject: boolean): Words {
  const char = text[offset] ?? ""
  const before = text.slice(0, offset)
  const number = /-?\d[\w.+-]*$/.exec(before)
  const isAfterComma = /,\s*$/.test(before)
  if (char === "#") return [COMMENT]
  if (number !== null && /[\w.+-]/.test(char)) return [NO_NUMBER, number.index]
  const what = found(text, offset)
  switch (expected) {
    case "key":
      if (char === "}" && isAfterComma) return ["a comma too many before this brace"]
      if (char === "'") return ["keys are written in double quotes"]
      return [`expected a key in double quotes, found ${what}`]
    case "colon":
      return [`expected ":" after the key, found ${what}`]
    case "value":
      if (char === "]" && isAfterComma) return ["a comma too many before this bracket"]
      if (char === "'") return ["text is written in double quotes"]
      if (/[\p{L}\p{N}_$-]/u.test(char))
        return ["text is written in double quotes; bare words are true, false, null"]
      return [`expected a value, found ${what}`]
    case "comma":
      return [`expected "," or "${isObject ? "}" : "]"}", found ${what}`]
    case "end":
      return [`nothing may follow the closing brace, found ${what}`]
  }
}

/** The character at an offset, in words where it cannot be seen. */
function found(text: string, offset: number): string {
  if (offset >= text.length) return "the end of the file"
  const char = String.fromCodePoint(text.codePointAt(offset)!)
  if (/^[\p{L}\p{N}\p{P}\p{S}]$/u.test(char)) return char === '"' ? "a double quote" : `"${char}"`
  return `the character U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`
}
